/**
 * Passages: runs of steps that belong together, drawn into long sequences. They lead to situations that single steps
 * reach once in thousands of sequences: a fault while a damaged file is quarantined or a file is rewritten for
 * retention, an operation on a series while its file is being worked on, a disk that fails in a close or in the
 * recovery after it.
 */
import { faultTargets } from './fault-targets.ts';
import type { FileKind, Operation } from './faults.ts';
import type { Prng } from './prng.ts';
import type { Setting, Step } from './steps.ts';

export const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Samples so far apart that two fill a chunk. */
const FAR_APART_MS = 2 ** 24;

export const maintain: Step = { type: 'command', command: 'maintain', detached: false };
const maintainMeanwhile: Step = { type: 'command', command: 'maintain', detached: true };
export const everything = { from: null, through: null };

const slowThread = (prng: Prng): Step => ({ type: 'slowThread', works: prng.between(1, 4) });

/** Syncs of the journal take seconds, so that operations that wait for them can be overtaken. */
const slowJournal: Step = {
  type: 'fault',
  fault: { operation: 'dataSync', file: 'journal', fault: 'slow', skip: 0, times: 10 },
};

type Passage = (prng: Prng, series: number, setting: Setting) => Step[];

export const append = (prng: Prng, series: number, count: number, everyMs = 1_000): Step => ({
  type: 'append',
  series,
  count,
  spacing: { everyMs },
  values: 'random',
  via: prng.pick(['store', 'handle']),
  seed: prng.uint32(),
});

/** Time until a head chunk is idle. */
export const idleMs = ({ headChunkTimeoutMs }: Setting): number => headChunkTimeoutMs + 30_000;

/** Archives a series: some chunks are in its file, and nothing of it is in memory. */
export const archived: Passage = (prng, series, setting) => [
  append(prng, series, prng.between(150, 400)),
  { type: 'advance', byMs: idleMs(setting) },
  maintain,
  maintain,
];

/** A fault or a crash at one of the next calls to a kind of file. */
const aimedAtFile = (prng: Prng, file: FileKind): Step => {
  const { faults, ...target } = prng.pick(faultTargets.filter((one) => one.file === file));
  const skip = prng.pick([0, 0, 0, 1, 2]);
  return prng.chance(0.5)
    ? { type: 'fault', fault: { ...target, fault: prng.pick(faults), skip, times: 1 } }
    : { type: 'crashAt', kind: prng.pick(['power', 'kill']), fault: { ...target, skip }, again: [] };
};

/** Makes the next call of an operation on a kind of file fail. */
export const failing = (operation: Operation, file: FileKind): Step => ({
  type: 'fault',
  fault: { operation, file, fault: 'EIO', skip: 0, times: 1 },
});

/** The beginning of the first record of a series file, as a share of the file's length. Damage there is always seen. */
export const FIRST_RECORD = 0.0004;
/** In a file of two records: the beginning of the second, and a length in it that copying the record does not read. */
const SECOND_OF_TWO = [0.5003, 0.5181];

/** Damages the file of a series. */
export const damage = (prng: Prng, series: number): Extract<Step, { type: 'decay' }> => ({
  type: 'decay',
  series,
  file: 'seriesFile',
  which: prng.below(100),
  at: prng.chance(0.8) ? FIRST_RECORD : prng.next(),
});

/** Time until the older of two chunks that were closed when idle is past retention; 0 if that can't be waited for. */
const restMs = (setting: Setting): number => {
  const { retentionMs } = setting;
  return retentionMs === null || retentionMs > HOUR_MS
    ? 0
    : Math.max(0, retentionMs - 2 * idleMs(setting) - MINUTE_MS - 5_000);
};

/** An archived series of two chunks. If it can be waited for, the older is past retention some ten seconds later. */
export const aging: Passage = (prng, series, setting) => {
  const onePart = [append(prng, series, 5), { type: 'advance', byMs: idleMs(setting) } as const, maintain, maintain];
  return [
    ...onePart,
    { type: 'advance', byMs: MINUTE_MS },
    ...onePart,
    ...(restMs(setting) > 0 ? [{ type: 'advance', byMs: restMs(setting) } as const] : []),
  ];
};

/** Advances to a time when the older chunk is past retention and maintenance has perhaps not visited the series yet. */
const untilDue = (prng: Prng): Step => ({ type: 'advance', byMs: prng.between(7, 18) * 1_000 });

/** Another operation on the series: a drop, a query or an append. */
const visitor = (prng: Prng, series: number): Step =>
  prng.pick<Step>([
    { type: 'drop', series, detached: true },
    { type: 'drop', series, detached: true },
    { type: 'query', series, window: everything, detached: true },
    append(prng, series, 1),
  ]);

/** A query finds a damaged file, and moving it to quarantine meets a fault. */
const quarantine: Passage = (prng, series, setting) => [
  ...archived(prng, series, setting),
  damage(prng, series),
  aimedAtFile(prng, 'orphaned'),
  ...(prng.chance(0.3) ? [aimedAtFile(prng, 'orphaned')] : []),
  { type: 'query', series: null, window: everything },
  { type: 'settle' },
  maintain,
];

/** Retention drops the oldest chunks of a file, which rewrites the file. */
const shrink: Passage = (prng, series, setting) => [
  ...archived(prng, series, setting),
  ...archived(prng, series, setting),
  { type: 'advance', byMs: prng.between(1, 30) * MINUTE_MS },
  aimedAtFile(prng, prng.pick(['seriesFileTmp', 'seriesFile'])),
  maintain,
  { type: 'settle' },
];

/** Other operations come right after each other while files are worked on. */
export const visited: Passage = (prng, series, setting) => {
  const breathe = (tasksMax: number): Step => ({ type: 'breathe', tasks: prng.between(0, tasksMax) });
  const query: Step = { type: 'query', series: null, window: everything, detached: true };
  const round = (): Step[] => [
    ...(prng.chance(0.5) ? [query, breathe(8)] : []),
    maintainMeanwhile,
    breathe(4),
    visitor(prng, series),
    breathe(8),
    visitor(prng, series),
  ];
  return [
    ...aging(prng, series, setting),
    ...(prng.chance(0.3) ? [append(prng, series, prng.between(150, 400))] : []),
    ...(prng.chance(0.4) ? [damage(prng, series)] : []),
    ...(prng.chance(0.3) ? [aimedAtFile(prng, prng.pick(['seriesFile', 'seriesFileTmp', 'journal']))] : []),
    {
      type: 'together',
      steps: [
        untilDue(prng),
        ...(prng.chance(0.4) ? [slowJournal] : []),
        ...(prng.chance(0.6) ? [slowThread(prng)] : []),
        ...round(),
        ...(prng.chance(0.5) ? [untilDue(prng), ...round()] : []),
      ],
    },
    { type: 'settle' },
  ];
};

/**
 * A query finds damage in a file that waits to be trimmed or written, and other operations come meanwhile. The steps
 * run without a look in between: a look would put chunks into the cache, and their damage would not be seen.
 */
export const damagedMeanwhile: Passage = (prng, series, setting) => {
  const breathe = (least: number, most: number): Step => ({ type: 'breathe', tasks: prng.between(least, most) });
  const isTrim = restMs(setting) > 0 && prng.chance(0.7);
  const steps = [
    ...aging(prng, series, setting),
    isTrim ? untilDue(prng) : append(prng, series, prng.between(150, 300)),
    ...(prng.chance(0.8) ? [{ ...damage(prng, series), at: prng.pick(isTrim ? SECOND_OF_TWO : [FIRST_RECORD]) }] : []),
    ...(prng.chance(0.3) ? [failing(prng.pick(['create', 'rename', 'sync', 'write']), 'seriesFileTmp')] : []),
    ...(prng.chance(0.6) ? [slowThread(prng)] : []),
    { type: 'query', series, window: everything, detached: true } as const,
    breathe(3, 5),
    maintainMeanwhile,
    breathe(0, 3),
    ...(prng.chance(0.5) ? [append(prng, series, 1), breathe(0, 3)] : []),
    ...(prng.chance(0.5) ? [{ type: 'drop', series, detached: true } as const] : []),
  ];
  return [{ type: 'together', steps }, { type: 'settle' }];
};

/** The drop of a series fails, and another operation on the series follows, often a second drop. */
const deleted: Passage = (prng, series, setting) => [
  ...archived(prng, series, setting),
  failing('remove', 'seriesFile'),
  { type: 'together', steps: [{ type: 'drop', series, detached: false }, visitor(prng, series)] },
  { type: 'settle' },
];

/** The store restarts or crashes, and a file of the close or of the recovery meets a fault. */
const farewell: Passage = (prng, series) => {
  const atEnd: readonly FileKind[] = ['mappings', 'mappingsTmp', 'heads', 'headsTmp', 'dirtyFlag', 'journal'];
  const { faults: _, ...target } = prng.pick(faultTargets.filter(({ file }) => [...atEnd, 'version'].includes(file)));
  const again = { ...target, skip: prng.pick([0, 0, 1]) };
  return prng.chance(0.5)
    ? [append(prng, series, 5), aimedAtFile(prng, prng.pick(atEnd)), { type: 'restart' }]
    : [append(prng, series, 5), { type: 'crash', kind: prng.pick(['power', 'kill']), again: [again] }];
};

/** The file with a consumer's position meets a fault. */
const positions: Passage = (prng, series) => [
  append(prng, series, 5),
  aimedAtFile(prng, 'cursor'),
  { type: 'consume', name: prng.below(2), batches: 2, afterwards: 'ack' },
];

/** Appends more chunks than may wait for the disk while the disk is slow: first nearly as many, then too many. */
export const pressed: Passage = (prng, series, { memoryTarget }) => {
  const pause = (): Step => ({ type: 'advance', byMs: prng.between(250, 600) });
  const more = (least: number, most: number): Step => append(prng, series, prng.between(least, most), FAR_APART_MS);
  return memoryTarget > 2 ** 22
    ? []
    : [
        {
          type: 'together',
          steps: [slowJournal, more(2_900, 3_800), pause(), more(1, 300), pause(), more(200, 900), pause(), more(1, 1)],
        },
        { type: 'command', command: 'ready', detached: prng.chance(0.5) },
        { type: 'settle' },
      ];
};

const passages = [
  quarantine,
  quarantine,
  shrink,
  visited,
  visited,
  damagedMeanwhile,
  damagedMeanwhile,
  deleted,
  farewell,
  positions,
  pressed,
];

export const drawPassage: Passage = (prng, series, setting) => prng.pick(passages)(prng, series, setting);
