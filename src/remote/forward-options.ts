/** The options of `forward`: checked one by one, with their defaults. */
import type { InspectionEvent } from 'xstate';
import type { FileSystem } from '../files/file-system.ts';
import { nodeFileSystem } from '../files/node-file-system.ts';
import { type Clock, type Duration, type Labels, type Logger, type Selector, systemClock } from '../index.ts';
import { parseDuration } from '../model/duration.ts';
import { invalidOption } from '../model/invalid-option.ts';
import { toLabelPairs } from '../model/labels.ts';
import { parseSelector } from '../model/selector.ts';
import { guardLogger, silentLogger } from '../ports/logger.ts';
import type { ForwardEvent } from './forward-events.ts';

export interface ForwardOptions {
  /** Where the receiver takes requests, such as `http://localhost:9090/api/v1/write`. User and password may be in it. */
  readonly url: string | URL;
  /** `'auto'` begins with 2.0 and goes on with 1.0 if the receiver does not know 2.0. Default `'auto'`. */
  readonly protocol?: 'auto' | '2.0' | '1.0';
  /** Further headers of every request, such as `authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Labels that every series gets, unless it has a label of that name. */
  readonly labels?: Labels;
  /** Only series that match are sent. Default: all. */
  readonly selector?: Selector;
  /**
   * Where a new name begins. `'start'`: with all samples that the store has; `'end'`: with samples that are appended from
   * now on. Default `'end'`. A known name continues where it was.
   */
  readonly from?: 'start' | 'end';
  /** Samples older than this are not sent, because the receiver would refuse them. Default: samples of any age are. */
  readonly maxSampleAge?: Duration;
  /** Samples that a request has at most, 1 to 100,000. Default 2,000. */
  readonly batchSamples?: number;
  /** How long samples wait for others to go with them. Default `'5s'`. */
  readonly batchDelay?: Duration;
  /** How long an answer may take. Default `'30s'`. */
  readonly timeout?: Duration;
  /** Stops the forwarding, as `stop` does. */
  readonly signal?: AbortSignal;
  /** Called with what happens. An error that it throws is ignored. */
  readonly onEvent?: (event: ForwardEvent) => void;
  /** Default: no logging. */
  readonly logger?: Logger;
  /** Receives every inspection event of the forwarding's actor. */
  readonly inspect?: (event: InspectionEvent) => void;
  readonly clock?: Clock;
  readonly fileSystem?: FileSystem;
}

export interface ResolvedForwardOptions {
  readonly url: URL;
  readonly protocol: 'auto' | '2.0' | '1.0';
  readonly headers: Readonly<Record<string, string>>;
  readonly labels: Labels;
  readonly selector: Selector | undefined;
  readonly from: 'start' | 'end';
  readonly maxSampleAgeMs: number;
  readonly batchSamples: number;
  readonly batchDelayMs: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly onEvent: (event: ForwardEvent) => void;
  readonly logger: Logger;
  readonly inspect: ((event: InspectionEvent) => void) | undefined;
  readonly clock: Clock;
  readonly fileSystem: FileSystem;
}

const BATCH_SAMPLES_MAX = 100_000;
const NAMES = [
  'url',
  'protocol',
  'headers',
  'labels',
  'selector',
  'from',
  'maxSampleAge',
  'batchSamples',
  'batchDelay',
  'timeout',
  'signal',
  'onEvent',
  'logger',
  'inspect',
  'clock',
  'fileSystem',
];
/** Headers that belong to the protocol or to the transport. */
const RESERVED = [
  'content-encoding',
  'content-type',
  'content-length',
  'transfer-encoding',
  'connection',
  'host',
  'retry-attempt',
  'x-prometheus-remote-write-version',
];
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Throws `TIDEMARK_INVALID_OPTION`, `TIDEMARK_INVALID_LABELS` or `TIDEMARK_INVALID_SELECTOR`. */
export const resolveForwardOptions = (given: ForwardOptions): ResolvedForwardOptions => {
  if (typeof given !== 'object' || given === null) throw invalidOption('options', given, 'an object with a url');
  for (const name of Object.keys(given))
    if (!NAMES.includes(name)) throw invalidOption(name, 'given', NAMES.join(', '));
  const { selector, labels = {}, maxSampleAge } = given;
  if (selector !== undefined) parseSelector(selector, { allowEmpty: true });
  if (Object.keys(labels).length > 0) toLabelPairs(labels);
  return {
    url: urlOf(given.url),
    protocol: oneOf('protocol', given.protocol ?? 'auto', ['auto', '2.0', '1.0']),
    headers: headersOf(given.headers ?? {}),
    labels: { ...labels },
    selector,
    from: oneOf('from', given.from ?? 'end', ['start', 'end']),
    maxSampleAgeMs: maxSampleAge === undefined ? Number.POSITIVE_INFINITY : duration('maxSampleAge', maxSampleAge),
    batchSamples: batchSamplesOf(given.batchSamples ?? 2000),
    batchDelayMs: duration('batchDelay', given.batchDelay ?? '5s'),
    timeoutMs: duration('timeout', given.timeout ?? '30s'),
    signal: given.signal,
    onEvent: given.onEvent ?? (() => {}),
    logger: guardLogger(given.logger ?? silentLogger),
    inspect: given.inspect,
    clock: given.clock ?? systemClock,
    fileSystem: given.fileSystem ?? nodeFileSystem,
  };
};

const oneOf = <Choice extends string>(name: string, value: unknown, choices: readonly Choice[]): Choice => {
  const choice = choices.find((each) => each === value);
  if (choice === undefined) throw invalidOption(name, value, choices.map((each) => `'${each}'`).join(', '));
  return choice;
};

const urlOf = (value: unknown): URL => {
  const text = value instanceof URL ? value.href : value;
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw invalidOption('url', text, "an address such as 'http://localhost:9090/api/v1/write', with http or https");
};

const headersOf = (headers: unknown): Readonly<Record<string, string>> => {
  if (typeof headers !== 'object' || headers === null) throw invalidOption('headers', headers, 'names and values');
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      const lower = name.toLowerCase();
      if (!HEADER_NAME.test(name) || RESERVED.includes(lower))
        throw invalidOption('headers', name, `names of headers, but not ${RESERVED.join(', ')}`);
      // The value may be a password, so the message does not show it.
      if (typeof value !== 'string' || !HEADER_VALUE.test(value))
        throw invalidOption(`headers.${lower}`, 'a value with other characters', 'text on one line, in Latin-1');
      return [lower, value];
    }),
  );
};

const batchSamplesOf = (value: unknown): number => {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= BATCH_SAMPLES_MAX) return value;
  throw invalidOption('batchSamples', value, `a whole number from 1 to ${BATCH_SAMPLES_MAX}`);
};

const duration = (name: string, value: Duration): number => {
  try {
    const milliseconds = parseDuration(value);
    if (milliseconds > 0) return milliseconds;
  } catch (error) {
    throw invalidOption(name, value, "a duration above 0, such as '5s'", error);
  }
  throw invalidOption(name, value, "a duration above 0, such as '5s'");
};
