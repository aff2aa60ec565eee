/** The options of taking OpenTelemetry's metrics, for the endpoint and for the exporter. */
import { invalidOption } from '../model/invalid-option.ts';
import { type Labels, toLabelPairs } from '../model/labels.ts';
import { type NamingStrategy, namingStrategies } from './metric-names.ts';

export interface ConversionOptions {
  /** How names are translated. Default `'UnderscoreEscapingWithSuffixes'`, as in Prometheus. */
  readonly namingStrategy?: NamingStrategy;
  /** Attributes of the resource that become labels of every series; `'all'` for each of them. Default: none. */
  readonly promoteResourceAttributes?: readonly string[] | 'all';
  /** Whether series get `otel_scope_name`, `otel_scope_version` and the scope's attributes. Default false. */
  readonly promoteScope?: boolean;
  /** Whether `target_info` has the attributes behind `job` and `instance`, too. Default false. */
  readonly keepIdentifyingAttributes?: boolean;
  /** Whether the resource's attributes are kept as the series `target_info`. Default true. */
  readonly targetInfo?: boolean;
  /** Labels that every series gets. A label of the same name from elsewhere takes precedence. Default: none. */
  readonly labels?: Labels;
}

/** Options of the endpoint `/api/v1/otlp/v1/metrics`. */
export interface OtlpOptions extends ConversionOptions {
  /**
   * Whether sums and histograms with delta temporality are added up. If not, they are refused. The running totals are in
   * memory, 64 MiB of them; a total that was forgotten begins at zero again. Default false.
   */
  readonly deltaToCumulative?: boolean;
}

export interface ConversionSettings {
  readonly namingStrategy: NamingStrategy;
  readonly promoteResourceAttributes: readonly string[] | 'all';
  readonly promoteScope: boolean;
  readonly keepIdentifyingAttributes: boolean;
  readonly targetInfo: boolean;
  readonly labels: readonly (readonly [name: string, value: string])[];
}

const flags = ['promoteScope', 'keepIdentifyingAttributes', 'targetInfo', 'deltaToCumulative'] as const;

/** The options with their defaults. Throws `TIDEMARK_INVALID_OPTION` or, for `labels`, `TIDEMARK_INVALID_LABELS`. */
export const conversionSettings = (options: OtlpOptions): ConversionSettings => {
  const { namingStrategy = 'UnderscoreEscapingWithSuffixes', promoteResourceAttributes = [], labels = {} } = options;
  if (!namingStrategies.includes(namingStrategy))
    throw invalidOption('namingStrategy', namingStrategy, namingStrategies.map((name) => `'${name}'`).join(', '));
  if (promoteResourceAttributes !== 'all' && !isTexts(promoteResourceAttributes))
    throw invalidOption('promoteResourceAttributes', promoteResourceAttributes, "an array of names, or 'all'");
  for (const flag of flags) {
    const value = options[flag];
    if (value !== undefined && typeof value !== 'boolean') throw invalidOption(flag, value, 'true, false');
  }
  return {
    namingStrategy,
    promoteResourceAttributes:
      promoteResourceAttributes === 'all' ? 'all' : [...new Set(promoteResourceAttributes)].sort(),
    promoteScope: options.promoteScope ?? false,
    keepIdentifyingAttributes: options.keepIdentifyingAttributes ?? false,
    targetInfo: options.targetInfo ?? true,
    labels: pairsOf(labels),
  };
};

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');

const pairsOf = (labels: Labels): readonly (readonly [string, string])[] => {
  if (typeof labels === 'object' && labels !== null && Object.values(labels).every((value) => value === '')) return [];
  const pairs = toLabelPairs(labels);
  return Array.from({ length: pairs.length / 2 }, (_, i) => [pairs[2 * i], pairs[2 * i + 1]] as const);
};
