/**
 * Checks the options one by one and resolves them once. Every default is in this file and nowhere else. The error for a
 * wrong option names the option, the value and the allowed values.
 */
import type { Registry } from 'prom-client';
import type { InspectionEvent } from 'xstate';
import type { Durability, Duration, Progress, RetentionBySize, StoreOptions } from '../api/api.ts';
import type { Encoding } from '../chunk/chunk.ts';
import { encodingNames, encodingOf } from '../chunk/decode.ts';
import type { FileSystem } from '../files/file-system.ts';
import type { KeyValueStores } from '../indexes/key-value-store.ts';
import { parseDuration } from '../model/duration.ts';
import { TidemarkError, textOf } from '../model/errors.ts';
import { type RetentionRule, RULES_MAX } from '../model/retention-classes.ts';
import { parseSelector } from '../model/selector.ts';
import { detailOf, shownText, shownValue } from '../model/shown-value.ts';
import { type Clock, systemClock } from '../ports/clock.ts';
import { type Logger, silentLogger } from '../ports/logger.ts';
import { memoryLimitBytes } from '../ports/memory-limit.ts';
import { type Random, systemRandom } from '../ports/random.ts';

const MIB = 1024 * 1024;

/** A retention that a caller gives. `undefined` for what the directory keeps as it remembers it. */
export interface NamedRetention {
  readonly timeMs: number | undefined;
  readonly bytes: number | undefined;
  readonly rules: readonly RetentionRule[] | undefined;
}

/** All options with their values. Durations are in milliseconds; `Infinity` stands for 'off'. */
export interface ResolvedOptions {
  /**
   * The retention that the caller gives. A part that is not given is `undefined`; so is the whole if no retention is
   * given.
   */
  readonly retention: NamedRetention | undefined;
  readonly applyRetention: boolean;
  readonly futureToleranceMs: number;
  readonly encoding: Encoding;
  readonly durability: Durability;
  readonly commitIntervalMs: number;
  readonly syncSeriesFiles: 'adaptive' | 'always' | 'never';
  readonly headChunkTimeoutMs: number;
  /** `Infinity`: only retention limits how old a sample may be. */
  readonly outOfOrderWindowMs: number;
  readonly checkpointIntervalMs: number;
  readonly checkpointDirtySeries: number;
  readonly checkpointJournalBytes: number;
  readonly minShrinkRatio: number;
  readonly memoryTarget: number;
  readonly subscriptionBacklogBytes: number;
  readonly historyBytes: number;
  readonly readOnly: boolean;
  readonly forceRecovery: boolean;
  readonly pedantic: boolean;
  readonly logger: Logger;
  readonly inspect: ((event: InspectionEvent) => void) | undefined;
  readonly registry: Registry | undefined;
  readonly onProgress: ((progress: Progress) => void) | undefined;
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly fileSystem: FileSystem | undefined;
  readonly keyValueStores: KeyValueStores | undefined;
}

const known = new Set<string>([
  'retention',
  'applyRetention',
  'futureTolerance',
  'chunkEncoding',
  'durability',
  'commitInterval',
  'syncSeriesFiles',
  'headChunkTimeout',
  'outOfOrderWindow',
  'checkpointInterval',
  'checkpointDirtySeries',
  'checkpointJournalBytes',
  'minShrinkRatio',
  'memoryTarget',
  'subscriptionBacklogBytes',
  'historyBytes',
  'readOnly',
  'forceRecovery',
  'pedantic',
  'logger',
  'inspect',
  'registry',
  'onProgress',
  'signal',
  'clock',
  'random',
  'fileSystem',
  'keyValueStores',
]);

/** Checks and completes the options. Throws `TIDEMARK_INVALID_OPTION`. */
export const resolveOptions = (given: StoreOptions = {}): ResolvedOptions => {
  try {
    return resolveRead(given);
  } catch (error) {
    if (error instanceof TidemarkError) throw error;
    // A getter or a proxy trap threw.
    throw new TidemarkError('TIDEMARK_INVALID_OPTION', 'options could not be read', { cause: error });
  }
};

const resolveRead = (given: StoreOptions): ResolvedOptions => {
  if (typeof given !== 'object' || given === null) throw invalid('options', given, 'an object');
  for (const name of Object.keys(given)) {
    if (!known.has(name))
      throw invalid(name, (given as Record<string, unknown>)[name], `one of ${[...known].join(', ')}`);
  }
  const retention = retentionOf(given.retention);
  const applyRetention = given.applyRetention === undefined || flag('applyRetention', given.applyRetention);
  if (!applyRetention && retention !== undefined)
    throw invalid('applyRetention', false, 'true when the option retention is given');
  return {
    retention,
    applyRetention,
    futureToleranceMs:
      given.futureTolerance === 'off'
        ? Number.POSITIVE_INFINITY
        : duration('futureTolerance', given.futureTolerance, 10 * 60_000, 0, "a duration such as '10m', or 'off'"),
    encoding: encodingOf(oneOf('chunkEncoding', given.chunkEncoding, encodingNames, 'varbit')),
    durability: oneOf('durability', given.durability, ['always', 'interval', 'os'], 'interval'),
    commitIntervalMs: duration('commitInterval', given.commitInterval, 100, 1),
    syncSeriesFiles: oneOf('syncSeriesFiles', given.syncSeriesFiles, ['adaptive', 'always', 'never'], 'adaptive'),
    headChunkTimeoutMs: duration('headChunkTimeout', given.headChunkTimeout, 5 * 60_000, 1),
    outOfOrderWindowMs: duration(
      'outOfOrderWindow',
      given.outOfOrderWindow,
      Infinity,
      0,
      "a duration such as '1h', or 0 to refuse samples out of order",
    ),
    checkpointIntervalMs: duration('checkpointInterval', given.checkpointInterval, 5 * 60_000, 10),
    checkpointDirtySeries: integer('checkpointDirtySeries', given.checkpointDirtySeries, 5_000, 1),
    checkpointJournalBytes: integer('checkpointJournalBytes', given.checkpointJournalBytes, 256 * MIB, 4096),
    minShrinkRatio: ratio('minShrinkRatio', given.minShrinkRatio, 0.1),
    memoryTarget: integer('memoryTarget', given.memoryTarget, defaultMemoryTarget(), MIB),
    subscriptionBacklogBytes: integer('subscriptionBacklogBytes', given.subscriptionBacklogBytes, 1024 * MIB, 4096),
    historyBytes: integer('historyBytes', given.historyBytes, 64 * MIB, 4096),
    readOnly: flag('readOnly', given.readOnly),
    forceRecovery: flag('forceRecovery', given.forceRecovery),
    pedantic: flag('pedantic', given.pedantic),
    logger: withMethods('logger', given.logger, ['debug', 'info', 'warn', 'error']) ?? silentLogger,
    inspect: callable('inspect', given.inspect),
    registry: withMethods('registry', given.registry, ['registerMetric', 'metrics']),
    onProgress: callable('onProgress', given.onProgress),
    signal: withMethods('signal', given.signal, ['addEventListener', 'throwIfAborted']),
    clock:
      withMethods('clock', given.clock, ['now', 'monotonic', 'setTimeout', 'clearTimeout', 'breathe']) ?? systemClock,
    random: withMethods('random', given.random, ['next']) ?? systemRandom,
    fileSystem: withMethods('fileSystem', given.fileSystem, ['open', 'read', 'write', 'rename', 'sync']),
    keyValueStores: withMethods('keyValueStores', given.keyValueStores, ['open', 'destroy', 'openCopy']),
  };
};

/** A quarter of the memory of the machine, or of the process's control group, between 64 MiB and 4 GiB. */
const defaultMemoryTarget = (): number => Math.max(64 * MIB, Math.min(4096 * MIB, Math.floor(memoryLimitBytes() / 4)));

/** Checks the option `retention`. Throws `TIDEMARK_INVALID_OPTION`. */
export const retentionOf = (given: StoreOptions['retention']): NamedRetention | undefined => {
  if (given === undefined) return undefined;
  if (typeof given !== 'object' || given === null) {
    const timeMs = keptTime('retention', given);
    // 'off' keeps everything, so it also removes rules.
    return { timeMs, bytes: Infinity, rules: timeMs === Infinity ? [] : undefined };
  }
  const { time, bytes, rules }: RetentionBySize = given;
  return {
    timeMs: time === undefined ? undefined : keptTime('retention', time),
    bytes: bytes === undefined ? undefined : integer('retention.bytes', bytes, 0, 16 * MIB),
    rules: rules === undefined ? undefined : retentionRules(rules),
  };
};

const keptTime = (name: string, value: Duration | 'off'): number =>
  value === 'off' ? Number.POSITIVE_INFINITY : duration(name, value, 0, 1000, "a duration such as '15d', or 'off'");

const retentionRules = (rules: NonNullable<RetentionBySize['rules']>): readonly RetentionRule[] => {
  const allowed = `an array of at most ${RULES_MAX} rules { selector, time }`;
  if (!Array.isArray(rules) || rules.length > RULES_MAX) throw invalid('retention.rules', rules, allowed);
  return rules.map((rule: { readonly selector: string; readonly time: Duration | 'off' }, index) => {
    const name = `retention.rules[${index}]`;
    if (typeof rule !== 'object' || rule === null) throw invalid(name, rule, 'an object { selector, time }');
    const { selector, time } = rule;
    if (typeof selector !== 'string') throw invalid(`${name}.selector`, selector, 'the text of a selector');
    if (time === undefined) throw invalid(`${name}.time`, time, "a duration such as '15d', or 'off'");
    const timeMs = keptTime(`${name}.time`, time);
    try {
      parseSelector(selector);
    } catch (cause) {
      throw invalid(`${name}.selector`, selector, `the text of a selector; ${textOf(cause)}`, cause);
    }
    return { selector, timeMs };
  });
};

const duration = (
  name: string,
  value: Duration | undefined,
  fallback: number,
  least: number,
  allowed?: string,
): number => {
  if (value === undefined) return fallback;
  let ms: number;
  try {
    ms = parseDuration(value);
  } catch (cause) {
    throw invalid(name, value, allowed ?? `a duration such as '5m', or milliseconds from ${least} on`, cause);
  }
  if (ms < least) throw invalid(name, value, `at least ${least} ms`);
  return ms;
};

const oneOf = <T extends string>(name: string, value: T | undefined, allowed: readonly T[], fallback: T): T => {
  if (value === undefined) return fallback;
  if (!allowed.includes(value)) throw invalid(name, value, `one of ${allowed.map((text) => `'${text}'`).join(', ')}`);
  return value;
};

const integer = (name: string, value: number | undefined, fallback: number, least: number): number => {
  if (value === undefined) return fallback;
  if (!Number.isSafeInteger(value) || value < least) throw invalid(name, value, `a whole number from ${least} on`);
  return value;
};

const ratio = (name: string, value: number | undefined, fallback: number): number => {
  if (value === undefined) return fallback;
  if (typeof value !== 'number' || !(value >= 0 && value <= 1)) throw invalid(name, value, 'a number from 0 to 1');
  return value;
};

const flag = (name: string, value: boolean | undefined): boolean => {
  if (value !== undefined && typeof value !== 'boolean') throw invalid(name, value, 'true or false');
  return value ?? false;
};

const callable = <T>(name: string, value: T | undefined): T | undefined => {
  if (value !== undefined && typeof value !== 'function') throw invalid(name, value, 'a function');
  return value;
};

const withMethods = <T extends object>(
  name: string,
  value: T | undefined,
  methods: readonly string[],
): T | undefined => {
  if (value === undefined) return undefined;
  const object = value as Record<string, unknown>;
  if (typeof value === 'object' && value !== null && methods.every((method) => typeof object[method] === 'function'))
    return value;
  throw invalid(name, value, `an object with the methods ${methods.join(', ')}`);
};

const invalid = (name: string, value: unknown, allowed: string, cause?: unknown): TidemarkError =>
  new TidemarkError(
    'TIDEMARK_INVALID_OPTION',
    `option ${shownText(name)} is ${shownValue(value)}; allowed: ${allowed}`,
    {
      cause,
      details: { option: name, value: detailOf(value), allowed },
    },
  );
