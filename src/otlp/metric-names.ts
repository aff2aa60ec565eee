/**
 * Names of OpenTelemetry's metrics as names of Prometheus' metrics, by the rules of Prometheus' OTLP receiver.
 *
 *   http.server.request.duration, unit s    http_server_request_duration_seconds
 *   disk.io, unit By/s                      disk_io_bytes_per_second
 *   requests, a counter                     requests_total
 *   cpu.load, a gauge with unit 1           cpu_load_ratio
 */
import { unitSuffixes } from './unit-names.ts';

export const namingStrategies = [
  'UnderscoreEscapingWithSuffixes',
  'UnderscoreEscapingWithoutSuffixes',
  'NoUTF8EscapingWithSuffixes',
  'NoTranslation',
] as const;

/** How names are translated. The words are those of Prometheus' setting `otlp.translation_strategy`. */
export type NamingStrategy = (typeof namingStrategies)[number];

/** Whether a name keeps characters that are not in Prometheus' classic names. */
export const keepsCharacters = (strategy: NamingStrategy): boolean =>
  strategy === 'NoUTF8EscapingWithSuffixes' || strategy === 'NoTranslation';

/** What a name's type suffix depends on. */
export type SuffixKind = 'counter' | 'gauge' | 'other';

/** The name for Prometheus; `undefined` if nothing but underscores would be left of it. */
export const metricName = (
  name: string,
  unit: string,
  kind: SuffixKind,
  strategy: NamingStrategy,
): string | undefined => {
  if (name === '') return undefined;
  switch (strategy) {
    case 'NoTranslation':
      return name;
    case 'NoUTF8EscapingWithSuffixes':
      return withSuffixes(name, unit, kind);
    case 'UnderscoreEscapingWithoutSuffixes':
      return checked(name, name.split(/[^a-zA-Z0-9:_]+/).filter(isNotEmpty));
    case 'UnderscoreEscapingWithSuffixes':
      return checked(name, classicTokens(name, unit, kind));
  }
};

const isNotEmpty = (token: string): boolean => token !== '';

const checked = (original: string, tokens: readonly string[]): string | undefined => {
  const joined = tokens.join('_');
  const name = /^[0-9]/.test(joined) ? `_${joined}` : joined;
  return name !== original && /^_*$/.test(name) ? undefined : name;
};

const typeSuffix = (unit: string, kind: SuffixKind): string => {
  if (kind === 'counter') return 'total';
  return kind === 'gauge' && unit === '1' ? 'ratio' : '';
};

/** The name's parts, its units and its type. A unit that the name already has as a part is not added again. */
const classicTokens = (name: string, unit: string, kind: SuffixKind): readonly string[] => {
  const tokens = name.split(/[^a-zA-Z0-9:]+/).filter(isNotEmpty);
  const { main, per } = unitSuffixes(unit);
  const perToken = withoutLastUnderscore(classicUnit(per));
  const hasPer = perToken !== '' && perToken !== 'per' && !tokens.includes(perToken);
  const mainToken = classicUnit(main);
  // As in Prometheus, an underscore at the end stays unless something follows.
  if (mainToken !== '' && !tokens.includes(mainToken))
    tokens.push(hasPer ? withoutLastUnderscore(mainToken) : mainToken);
  if (hasPer) tokens.push(perToken);
  const type = typeSuffix(unit, kind);
  return type === '' ? tokens : [...tokens.filter((token) => token !== type), type];
};

const classicUnit = (unit: string): string => unit.replace(/[^a-zA-Z0-9:]+/g, '_').replace(/^_/, '');

const withoutLastUnderscore = (unit: string): string => unit.replace(/_$/, '');

/** The name as it is, with suffixes; those that it already ends in move behind the ones that are added. */
const withSuffixes = (name: string, unit: string, kind: SuffixKind): string => {
  const type = typeSuffix(unit, kind);
  const { main, per } = unitSuffixes(unit);
  let stem = withoutSuffix(withoutSuffix(name, type), per);
  if (main !== '' && !stem.endsWith(main)) stem += `_${main}`;
  if (per !== '') stem += `_${per}`;
  return type === '' ? stem : `${stem}_${type}`;
};

/** Removes a suffix and the character before it, unless nothing would be left. */
const withoutSuffix = (name: string, suffix: string): string =>
  suffix !== '' && name.endsWith(suffix) && name.length > suffix.length + 1
    ? name.slice(0, -(suffix.length + 1))
    : name;
