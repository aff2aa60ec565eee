/**
 * Lets the original and Tidemark use a directory in turn, and computes what must be in it at the end: every sample that
 * Tidemark acknowledged, every sample in a series file, and every sample that the original itself would return.
 */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Encoding, SampleColumns } from '../../../src/chunk/chunk.ts';
import { decodeChunk } from '../../../src/chunk/decode.ts';
import { nodeFileSystem } from '../../../src/files/node-file-system.ts';
import { openStore, type Store } from '../../../src/index.ts';
import { fastFingerprint, fingerprintText } from '../../../src/model/fingerprint.ts';
import { type Labels, toLabelPairs } from '../../../src/model/labels.ts';
import { metricText } from '../../../src/model/metric-text.ts';
import { settle } from '../../store/support.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { seeded } from '../../support/seeded.ts';
import { Original } from './original.ts';

/** `T` is Tidemark, closed or killed; `O` the original, closed, or killed before (`b`) or after (`a`) a checkpoint. */
export const steps = ['Tc', 'Tk', 'Oc', 'Ob', 'Oa'] as const;
export type Step = (typeof steps)[number];

const START_MS = 1_735_689_600_000;
const STEP_MS = 20 * 60_000;
const RECORD_BYTES = 1041;
/** Copies of an open directory until one is of one moment. */
const ATTEMPTS_MAX = 20;
const encodings = ['delta', 'double-delta', 'varbit'] as const;

type Times = Map<string, Set<number>>;

export class ToAndFro {
  /** Times of the samples that Tidemark acknowledged, by metric text. */
  private readonly acknowledged: Times = new Map();
  /** Series that Tidemark dropped; the original may restore them from an older checkpoint. */
  private readonly dropped = new Set<string>();
  private readonly root: string;
  private readonly random: () => number;
  private readonly encoding: Encoding;
  private number = 0;
  /** What was done, for the message of a failure. */
  readonly story: string[] = [];

  constructor(root: string, seed: number) {
    this.root = root;
    this.random = seeded(seed * 2654435761).next;
    this.encoding = Math.floor(this.random() * 3) as Encoding;
  }

  get directory(): string {
    return join(this.root, `step-${this.number}`);
  }

  async play(step: Step, index: number): Promise<void> {
    const startMs = START_MS + index * STEP_MS;
    if (step[0] === 'T') await this.playTidemark(step, index, startMs);
    else await this.playOriginal(step, index, startMs);
  }

  private async playTidemark(step: Step, index: number, startMs: number): Promise<void> {
    const clock = new ManualClock(startMs);
    const store = await openStore(this.directory, {
      retention: 'off',
      clock,
      fileSystem: nodeFileSystem,
      chunkEncoding: encodings[this.encoding],
    });
    if (this.chance(0.3) && index > 0)
      await store.drop({ __name__: `new${index - 1}` }).then(() => this.dropped.add(`new${index - 1}`));
    this.tidemarkAppends(store, index, startMs);
    if (this.chance(0.5)) await store.checkpoint();
    if (this.chance(0.7)) {
      for (let i = 0; i < 40; i++) {
        clock.step(10 * 60_000);
        await settle(store);
      }
    }
    if (this.chance(0.5)) this.tidemarkAppends(store, index, startMs + STEP_MS / 2);
    await store.flush();
    this.story.push(`${step}: ${JSON.stringify(store.stateCounts())}`);
    if (step === 'Tc') return store.close();
    // A copy of an open directory equals what a kill leaves, if nothing changes during the copying.
    do await settle(store);
    while (existsSync(join(this.directory, 'heads.db.tmp')));
    const from = this.directory;
    this.number++;
    await copyOpen(from, this.directory);
    await store.close();
    rmSync(from, { recursive: true });
  }

  private tidemarkAppends(store: Store, index: number, startMs: number): void {
    for (const { labels, count } of this.plan(index)) {
      const samples = Array.from({ length: count }, (_, i) => ({
        labels,
        timestamp: startMs + i * 1000,
        value: this.value(),
      }));
      const { rejected } = store.appendBatch(samples);
      const refused = new Set(rejected.map(({ index: at }) => at));
      const text = metricText(toLabelPairs(labels));
      const times = this.acknowledged.get(text) ?? new Set();
      for (const [i, { timestamp }] of samples.entries()) if (!refused.has(i)) times.add(timestamp);
      this.acknowledged.set(text, times);
    }
  }

  private async playOriginal(step: Step, index: number, startMs: number): Promise<void> {
    const original = await Original.start(this.directory, { encoding: this.encoding });
    const appends = (from: number): void => {
      for (const { labels, count } of this.plan(index)) {
        for (let i = 0; i < count; i++) original.append(labels, from + i * 1000 + 500, this.value());
      }
    };
    // Some of these samples are older than the newest one in the series file, which the original may not know.
    appends(startMs - (this.chance(0.5) ? STEP_MS : 0));
    if (this.chance(0.3)) original.touch({ __name__: 'arch' });
    if (this.chance(0.8)) original.persist({ closeHeads: this.chance(0.5) });
    if (this.chance(0.5)) original.archive((text) => text === 'arch' || this.chance(0.3));
    this.story.push(`${step}: recovered ${original.hasRecovered}`);
    if (step === 'Oc') return original.close();
    if (step === 'Oa') {
      original.checkpoint();
      if (this.chance(0.7)) appends(startMs + STEP_MS / 2);
      if (this.chance(0.7)) original.persist({ closeHeads: this.chance(0.5) });
      if (this.chance(0.3)) original.touch({ __name__: 'arch' });
    }
    original.kill();
  }

  /** The series that get samples, and how many each gets. */
  private plan(index: number): { readonly labels: Labels; readonly count: number }[] {
    const count = (most: number): number => 1 + Math.floor(this.random() * most);
    const plan: { labels: Labels; count: number }[] = [
      { labels: { __name__: 'always', job: 'a' }, count: count(700) },
      { labels: { __name__: `new${index}` }, count: count(500) },
    ];
    if (index === 0 || this.chance(0.2)) plan.push({ labels: { __name__: 'arch' }, count: count(900) });
    if (this.chance(0.5)) plan.push({ labels: { __name__: 'often', instance: 'b:9100' }, count: count(300) });
    return plan;
  }

  /** Times of the samples that must be in the directory now, by metric text. */
  async expected(): Promise<Times> {
    const all: Times = new Map();
    const add = (text: string, times: Iterable<number>): void => {
      const known = all.get(text) ?? new Set();
      for (const time of times) known.add(time);
      all.set(text, known);
    };
    const names = ['arch', 'always{job="a"}', 'often{instance="b:9100"}', 'new0', 'new1', 'new2', 'new3'];
    // Tidemark is not responsible for series that the original has moved to quarantine.
    const isOrphaned = (text: string): boolean => {
      const fp = fingerprintOf(text);
      return existsSync(join(this.directory, 'orphaned', fp.slice(0, 2), `${fp.slice(2)}.db`));
    };
    for (const [text, times] of this.acknowledged) if (!isOrphaned(text)) add(text, times);
    for (const text of names) if (!isOrphaned(text)) add(text, this.timesInFile(fingerprintOf(text)));
    const copy = join(this.root, 'asked');
    cpSync(this.directory, copy, { recursive: true, preserveTimestamps: true });
    for (const [text, times] of (await Original.start(copy, { encoding: this.encoding })).read()) add(text, times);
    rmSync(copy, { recursive: true });
    for (const text of this.dropped) all.delete(text);
    return all;
  }

  private timesInFile(fp: string): number[] {
    const path = join(this.directory, fp.slice(0, 2), `${fp.slice(2)}.db`);
    if (!existsSync(path)) return [];
    const bytes = readFileSync(path);
    const columns = new SampleColumns();
    for (let at = 0; at + RECORD_BYTES <= bytes.length; at += RECORD_BYTES)
      decodeChunk(bytes, at + 17, bytes[at], columns);
    return [...columns.timestamps.subarray(0, columns.count)];
  }

  private chance(share: number): boolean {
    return this.random() < share;
  }

  private value(): number {
    return Math.floor(this.random() * 1000);
  }
}

/** Lists missing samples, samples out of order and quarantined series of a store; empty if there are none. */
export const faultsOf = async (store: Store, expected: ReadonlyMap<string, ReadonlySet<number>>): Promise<string[]> => {
  const faults: string[] = [];
  const found: Times = new Map();
  for await (const { labels, timestamps } of store.select([])) {
    const text = metricText(toLabelPairs(labels));
    for (let i = 1; i < timestamps.length; i++) {
      if (timestamps[i] <= timestamps[i - 1]) faults.push(`${text} is not in order at ${timestamps[i]}`);
    }
    found.set(text, new Set(timestamps));
  }
  for (const [text, times] of expected) {
    const lacking = [...times].filter((time) => found.get(text)?.has(time) !== true);
    if (lacking.length > 0) {
      faults.push(
        `${text} lacks ${lacking.length} of ${times.size}, from ${Math.min(...lacking)} to ${Math.max(...lacking)}`,
      );
    }
  }
  for (const { fingerprint, reason } of await store.quarantined()) {
    if (!/purge during crash recovery/.test(reason)) faults.push(`${fingerprint} is in quarantine: ${reason}`);
  }
  return faults;
};

export const openToLook = (directory: string, readOnly: boolean): Promise<Store> =>
  openStore(directory, { retention: 'off', readOnly, clock: new ManualClock(START_MS + 4 * STEP_MS) });

const fingerprintOf = (text: string): string => {
  const parsed = /^(\w+)(?:\{(\w+)="([^"]*)"\})?$/.exec(text);
  const [, name, label, value] = parsed ?? [];
  const labels: Labels = label === undefined ? { __name__: name } : { __name__: name, [label]: value };
  const halves = new Int32Array(2);
  fastFingerprint(toLabelPairs(labels), halves);
  return fingerprintText(halves[0], halves[1]);
};

/** All sequences of steps of a given length. */
export const sequencesOf = (length: number): Step[][] =>
  length === 0 ? [[]] : sequencesOf(length - 1).flatMap((before) => steps.map((step) => [...before, step]));

/** Copies an open directory. Background threads may add or remove files meanwhile; then the copy is made again. */
const copyOpen = async (from: string, to: string): Promise<void> => {
  for (let attempt = 1; ; attempt++) {
    const before = filesOf(from);
    try {
      cpSync(from, to, { recursive: true, preserveTimestamps: true });
      if (filesOf(from) === before) return;
    } catch (error) {
      const isGone = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      if (!isGone || attempt === ATTEMPTS_MAX) throw error;
    }
    if (attempt === ATTEMPTS_MAX) throw new Error(`${from} changed during each of ${attempt} copies`);
    rmSync(to, { recursive: true, force: true });
    await new Promise((resolve) => setImmediate(resolve));
  }
};

/** The names of all files with their sizes and times, as one text. */
const filesOf = (directory: string): string =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => {
      const stats = statSync(join(parentPath, name), { bigint: true, throwIfNoEntry: false });
      return `${join(parentPath, name)} ${stats?.size} ${stats?.mtimeNs}`;
    })
    .sort()
    .join('\n');
