/**
 * Passages: runs of steps that belong together, drawn into long sequences. They lead to what single steps reach once in
 * thousands of sequences: a fault while a damaged file is set aside or a file is written anew for retention, somebody who
 * comes for a series while its file is being worked on, a disk that fails in a close or in the recovery after it.
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

/** Syncs of the journal take seconds, so that what waits for them can be overtaken. */
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

/** Until a head chunk is idle. */
export const idleMs = ({ headChunkTimeoutMs }: Setting): number => headChunkTimeoutMs + 30_000;

/** Some chunks in the series file, and nothing of the series in memory. */
export const archived: Passage = (prng, series, setting) => [
  append(prng, series, prng.between(150, 400)),
  { type: 'advance', byMs: idleMs(setting) },
  maintain,
  maintain,
];

/** A fault or a crash at the next call, or one soon after, to a kind of file. */
const aimedAtFile = (prng: Prng, file: FileKind): Step => {
  const { faults, ...target } = prng.pick(faultTargets.filter((one) => one.file === file));
  const skip = prng.pick([0, 0, 0, 1, 2]);
  return prng.chance(0.5)
    ? { type: 'fault', fault: { ...target, fault: prng.pick(faults), skip, times: 1 } }
    : { type: 'crashAt', kind: prng.pick(['power', 'kill']), fault: { ...target, skip }, again: [] };
};

/** The next call fails. */
export const failing = (operation: Operation, file: FileKind): Step => ({
  type: 'fault',
  fault: { operation, file, fault: 'EIO', skip: 0, times: 1 },
});

/** Where in a series file a record begins, as a share of its length; damage there is always seen. */
export const FIRST_RECORD = 0.0004;
/** In a file of two, where the second begins, and a length in it that those who only copy it do not look at. */
const SECOND_OF_TWO = [0.5003, 0.5181];

/** The file of a series is damaged. */
export const damage = (prng: Prng, series: number): Extract<Step, { type: 'decay' }> => ({
  type: 'decay',
  series,
  file: 'seriesFile',
  which: prng.below(100),
  at: prng.chance(0.8) ? FIRST_RECORD : prng.next(),
});

/** How long it takes until the older of two chunks that time has closed is past retention; 0 if that can't be waited for. */
const restMs = (setting: Setting): number => {
  const { retentionMs } = setting;
  return retentionMs === null || retentionMs > HOUR_MS
    ? 0
    : Math.max(0, retentionMs - 2 * idleMs(setting) - MINUTE_MS - 5_000);
};

/** A series of two chunks, archived, the older of which is past retention some ten seconds later, if that can be waited for. */
export const aging: Passage = (prng, series, setting) => {
  const onePart = [append(prng, series, 5), { type: 'advance', byMs: idleMs(setting) } as const, maintain, maintain];
  return [
    ...onePart,
    { type: 'advance', byMs: MINUTE_MS },
    ...onePart,
    ...(restMs(setting) > 0 ? [{ type: 'advance', byMs: restMs(setting) } as const] : []),
  ];
};

/** From there to a moment when the older chunk is due and perhaps no visit has come yet. */
const untilDue = (prng: Prng): Step => ({ type: 'advance', byMs: prng.between(7, 18) * 1_000 });

/** Somebody comes for the series: to delete it, to read it, or with a sample. */
const visitor = (prng: Prng, series: number): Step =>
  prng.pick<Step>([
    { type: 'drop', series, detached: true },
    { type: 'drop', series, detached: true },
    { type: 'query', series, window: everything, detached: true },
    append(prng, series, 1),
  ]);

/** A damaged file is found by a query, and setting it aside meets trouble. */
const quarantine: Passage = (prng, series, setting) => [
  ...archived(prng, series, setting),
  damage(prng, series),
  aimedAtFile(prng, 'orphaned'),
  ...(prng.chance(0.3) ? [aimedAtFile(prng, 'orphaned')] : []),
  { type: 'query', series: null, window: everything },
  { type: 'settle' },
  maintain,
];

/** Retention takes the oldest chunks of a file, which is written anew. */
const shrink: Passage = (prng, series, setting) => [
  ...archived(prng, series, setting),
  ...archived(prng, series, setting),
  { type: 'advance', byMs: prng.between(1, 30) * MINUTE_MS },
  aimedAtFile(prng, prng.pick(['seriesFileTmp', 'seriesFile'])),
  maintain,
  { type: 'settle' },
];

/** Visitors come, one right after another, while files are worked on. */
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
 * A query finds a file damaged while the file waits to be trimmed or written, and others come meanwhile. All of it
 * together: a look in between would put chunks into the cache, and their damage would not be seen.
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

/** A series is deleted, which fails, and is deleted again. */
const deleted: Passage = (prng, series, setting) => [
  ...archived(prng, series, setting),
  failing('remove', 'seriesFile'),
  { type: 'together', steps: [{ type: 'drop', series, detached: false }, visitor(prng, series)] },
  { type: 'settle' },
];

/** The store closes and opens again, or ends without a close, and a file of the end or of the recovery gives trouble. */
const farewell: Passage = (prng, series) => {
  const atEnd: readonly FileKind[] = ['mappings', 'mappingsTmp', 'heads', 'headsTmp', 'dirtyFlag', 'journal'];
  const { faults: _, ...target } = prng.pick(faultTargets.filter(({ file }) => [...atEnd, 'version'].includes(file)));
  const again = { ...target, skip: prng.pick([0, 0, 1]) };
  return prng.chance(0.5)
    ? [append(prng, series, 5), aimedAtFile(prng, prng.pick(atEnd)), { type: 'restart' }]
    : [append(prng, series, 5), { type: 'crash', kind: prng.pick(['power', 'kill']), again: [again] }];
};

/** A consumer's position meets trouble. */
const positions: Passage = (prng, series) => [
  append(prng, series, 5),
  aimedAtFile(prng, 'cursor'),
  { type: 'consume', name: prng.below(2), batches: 2, afterwards: 'ack' },
];

/** More chunks than may wait for the disk, while the disk is slow: first nearly, then too many. */
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
