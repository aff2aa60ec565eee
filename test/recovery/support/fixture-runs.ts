/**
 * Opens the directories that the real Prometheus wrote, in the scenarios in which Prometheus was observed. Returns
 * every series as Tidemark reads it and as the original read it (test/fixtures/README.md).
 *
 * Retention is off and the clock stands still, so that nothing happens in the background: the result shows only what
 * the opening did to the directory.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ChunkEncodingName } from '../../../src/api/api.ts';
import { listQuarantined } from '../../../src/disk/quarantine/quarantine-list.ts';
import { nodeFileSystem } from '../../../src/files/node-file-system.ts';
import { openStore } from '../../../src/index.ts';
import { toLabelPairs } from '../../../src/model/labels.ts';
import { metricText } from '../../../src/model/metric-text.ts';
import { fixtureJson } from '../../support/fixtures.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { extractFixture } from '../../support/tar.ts';

export const scenarios = ['as-is', 'forced-dirty', 'forced-dirty-pedantic'] as const;
export type Scenario = (typeof scenarios)[number];

type Metric = Readonly<Record<string, string>>;
type FixtureSample = readonly [timestamp: number | string, bits: string];

interface ExpectedSeries {
  readonly fp: string;
  readonly metric: Metric;
  readonly where: 'memory' | 'archived';
  readonly samples?: readonly FixtureSample[];
  readonly samplesSameAs?: string;
}

export interface Expected {
  readonly startError: string | null;
  readonly crash?: string;
  readonly crashRecoveryRan?: boolean;
  readonly appendedIn?: string;
  readonly series?: readonly ExpectedSeries[];
  readonly afterStart?: {
    readonly labelPairs: readonly { readonly name: string; readonly value: string; readonly fps: readonly string[] }[];
    readonly labelValues: Readonly<Record<string, readonly string[]>>;
    readonly mappings: readonly {
      readonly rawFP: string;
      readonly mappedFP: string;
      readonly uniqueStringHex: string;
    }[];
  };
  readonly afterStartStop?: {
    readonly files: readonly { readonly path: string; readonly size: number; readonly sha256?: string }[];
    readonly orphaned: readonly { readonly path: string; readonly size: number; readonly content?: string }[];
  };
}

/** One sample as text: time and bits of the value. */
export type SampleText = string;

export interface SeenSeries {
  readonly fingerprint: string;
  readonly metric: Metric;
  readonly where: 'memory' | 'archived';
  readonly samples: readonly SampleText[];
}

/** Series by metric text. */
export type SeriesByText = ReadonlyMap<string, SeenSeries>;

/** Every directory in test/fixtures/dirs. */
export const fixtureNames: readonly string[] = readdirSync(join(process.cwd(), 'test', 'fixtures', 'dirs')).sort();

/** The scenarios in which the real storage was observed with a directory. */
export const scenariosOf = (name: string): Scenario[] => {
  const files = new Set(readdirSync(join(process.cwd(), 'test', 'fixtures', 'dirs', name)));
  return scenarios.filter((scenario) => files.has(`${expectedFile(scenario)}.br`));
};

export const expectedOf = (name: string, scenario: Scenario): Expected =>
  fixtureJson<Expected>(`dirs/${name}/${expectedFile(scenario)}`);

/** The series that the real storage read. */
export const originalSeries = (name: string, scenario: Scenario): SeriesByText => {
  const { series = [] } = expectedOf(name, scenario);
  const asIs = scenario === 'as-is' ? undefined : originalSeries(name, 'as-is');
  const seen = new Map<string, SeenSeries>();
  for (const { fp, metric, where, samples, samplesSameAs } of series) {
    const text = textOf(metric);
    const bits = samples?.map(sampleText) ?? (samplesSameAs === undefined ? [] : (asIs?.get(text)?.samples ?? []));
    seen.set(text, { fingerprint: fp, metric, where, samples: bits });
  }
  return seen;
};

/** All samples that the real storage was given and accepted, by metric text. */
export const appendedSeries = (name: string): ReadonlyMap<string, readonly SampleText[]> => {
  const { appendedIn = 'appended.json' } = expectedOf(name, scenariosOf(name)[0]);
  const { series } = fixtureJson<{ series: readonly { metric: Metric; samples: readonly FixtureSample[] }[] }>(
    join('dirs', name, appendedIn),
  );
  return new Map(series.map(({ metric, samples }) => [textOf(withoutEmpty(metric)), samples.map(sampleText)]));
};

/** What Tidemark makes of a directory. */
export interface Run {
  readonly series: SeriesByText;
  readonly how: string;
  /** Files in quarantine, below the store's directory. */
  readonly quarantined: readonly {
    readonly fingerprint: string;
    readonly file: string | undefined;
    readonly reason: string;
  }[];
  readonly directory: string;
  readonly remove: () => void;
}

/** Runs Tidemark on a copy of a fixture. Rejects if `openStore` rejects. */
export const runFixture = async (name: string, scenario: Scenario): Promise<Run> => {
  const { directory, remove } = extractFixture(name);
  try {
    return { ...(await runDirectory(directory, scenario, encodingOf(name))), directory, remove };
  } catch (error) {
    remove();
    throw error;
  }
};

/** Opens the directory, reads everything, and closes it. */
export const runDirectory = async (
  directory: string,
  scenario: Scenario,
  chunkEncoding: ChunkEncodingName = 'double-delta',
): Promise<Omit<Run, 'directory' | 'remove'>> => {
  const store = await openStore(directory, {
    retention: 'off',
    chunkEncoding,
    clock: new ManualClock(FIXTURE_NOW),
    forceRecovery: scenario !== 'as-is',
    pedantic: scenario === 'forced-dirty-pedantic',
  });
  try {
    let how = '';
    for await (const event of store.journal({ from: 0 })) if (event.type === 'storeOpened') how = event.how;
    const series = new Map<string, SeenSeries>();
    const states = new Map<string, string>();
    for (const labels of await store.metrics([])) {
      const { state } = store.series(labels);
      states.set(textOf(labels), state);
    }
    for await (const { labels, fingerprint, timestamps, values } of store.select([])) {
      const text = textOf(labels);
      const where = states.get(text) === 'archived' ? 'archived' : 'memory';
      series.set(text, { fingerprint, metric: labels, where, samples: textsOf(timestamps, values) });
    }
    const quarantined = listQuarantined(nodeFileSystem, directory).map(({ fingerprint, file, reason }) => ({
      fingerprint,
      file,
      reason,
    }));
    return { series, how, quarantined };
  } finally {
    await store.close();
  }
};

/** After the newest sample of all fixtures. */
export const FIXTURE_NOW = Date.UTC(2026, 10, 23);

/** The encoding that a fixture was written with. */
export const encodingOf = (name: string): ChunkEncodingName =>
  name.endsWith('-varbit') ? 'varbit' : name.endsWith('-delta') || name === 'heads-v1' ? 'delta' : 'double-delta';

export const textOf = (metric: Metric): string =>
  Object.keys(metric).length === 0 ? '{}' : metricText(toLabelPairs(metric));

export const textsOf = (timestamps: Float64Array, values: Float64Array): SampleText[] => {
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  return [...timestamps].map((time, i) => {
    const high = view
      .getUint32(8 * i + 4, true)
      .toString(16)
      .padStart(8, '0');
    const low = view
      .getUint32(8 * i, true)
      .toString(16)
      .padStart(8, '0');
    return `${time} ${high}${low}`;
  });
};

const sampleText = ([time, bits]: FixtureSample): SampleText => `${Number(time)} ${bits}`;

const withoutEmpty = (metric: Metric): Metric =>
  Object.fromEntries(Object.entries(metric).filter(([, value]) => value !== ''));

const expectedFile = (scenario: Scenario): string =>
  scenario === 'as-is' ? 'expected.json' : `expected.${scenario}.json`;
