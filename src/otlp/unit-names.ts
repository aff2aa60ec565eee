/**
 * Units of OpenTelemetry, which are those of UCUM, as the parts that Prometheus' names end in: `s` is `seconds`, `By/s` is
 * `bytes` and `per_second`. A unit that is not in the tables is used as it is.
 */

const units: ReadonlyMap<string, string> = new Map([
  ['d', 'days'],
  ['h', 'hours'],
  ['min', 'minutes'],
  ['s', 'seconds'],
  ['ms', 'milliseconds'],
  ['us', 'microseconds'],
  ['ns', 'nanoseconds'],
  ['By', 'bytes'],
  ['KiBy', 'kibibytes'],
  ['MiBy', 'mebibytes'],
  ['GiBy', 'gibibytes'],
  ['TiBy', 'tibibytes'],
  ['KBy', 'kilobytes'],
  ['MBy', 'megabytes'],
  ['GBy', 'gigabytes'],
  ['TBy', 'terabytes'],
  ['m', 'meters'],
  ['V', 'volts'],
  ['A', 'amperes'],
  ['J', 'joules'],
  ['W', 'watts'],
  ['g', 'grams'],
  ['Cel', 'celsius'],
  ['Hz', 'hertz'],
  ['1', ''],
  ['%', 'percent'],
]);

/** What follows "per": a unit in the singular. Prometheus reads `m` as minute here and as meters above. */
const unitsPer: ReadonlyMap<string, string> = new Map([
  ['s', 'second'],
  ['m', 'minute'],
  ['h', 'hour'],
  ['d', 'day'],
  ['w', 'week'],
  ['mo', 'month'],
  ['y', 'year'],
]);

export interface UnitSuffixes {
  /** `bytes`; empty if there is none. */
  readonly main: string;
  /** `per_second`; empty if there is none. */
  readonly per: string;
}

/** An annotation such as `{request}` says what is counted and is no unit. */
const named = (part: string, names: ReadonlyMap<string, string>): string => {
  const unit = part.trim();
  return /[{}]/.test(unit) ? '' : (names.get(unit) ?? unit);
};

export const unitSuffixes = (unit: string): UnitSuffixes => {
  const slash = unit.indexOf('/');
  if (slash < 0) return { main: named(unit, units), per: '' };
  const per = named(unit.slice(slash + 1), unitsPer);
  return { main: named(unit.slice(0, slash), units), per: per === '' ? '' : `per_${per}` };
};
