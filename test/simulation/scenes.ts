/**
 * Scenes: short runs of steps for situations beyond the life of one undisturbed process. Backups are taken while files
 * change, indexes are rebuilt and the process is killed during the rebuild, series are dropped and the directory is
 * inspected, a subscriber keeps up across segments. Scenes are drawn into sequences of every length.
 */
import { append, archived, idleMs, MINUTE_MS, maintain } from './passages.ts';
import type { Prng } from './prng.ts';
import type { CrashPoint, Setting, Step } from './steps.ts';

/** After this time, late samples of a series file no longer wait. */
const FILE_WAIT_MS = 5 * MINUTE_MS + 10_000;

type Scene = (prng: Prng, series: number, setting: Setting, seriesCount: number) => Step[];

const detached = (command: Extract<Step, { type: 'command' }>['command']): Step => ({
  type: 'command',
  command,
  detached: true,
});

const breathe = (prng: Prng, most: number): Step => ({ type: 'breathe', tasks: prng.between(0, most) });

const crash = (prng: Prng, again: readonly CrashPoint[] = []): Step => ({
  type: 'crash',
  kind: prng.pick(['kill', 'kill', 'power']),
  again,
  inspected: true,
});

/** One of the next calls that write to an index. */
const atIndex = (prng: Prng): CrashPoint => ({ operation: 'writeIndex', file: 'index', skip: prng.below(12) });

/** A step that changes files while a backup copies them. */
const change = (prng: Prng, series: number, seriesCount: number): Step =>
  prng.pick<Step>([
    append(prng, series, prng.between(1, 300)),
    append(prng, prng.below(seriesCount), prng.between(100, 400)),
    detached('maintain'),
    detached('maintain'),
    detached('checkpoint'),
    { type: 'drop', series: prng.below(seriesCount), detached: true },
  ]);

/** A backup is taken while files are written, archived and dropped; it is opened afterwards. */
const backupMeanwhile: Scene = (prng, series, setting, seriesCount) => [
  ...(prng.chance(0.5) ? archived(prng, series, setting) : [append(prng, series, prng.between(100, 400))]),
  append(prng, prng.below(seriesCount), prng.between(100, 400)),
  { type: 'advance', byMs: prng.pick([10, idleMs(setting)]) },
  {
    type: 'together',
    steps: [
      ...(prng.chance(0.5) ? [{ type: 'slowThread', works: prng.between(1, 6) } as const] : []),
      ...(prng.chance(0.3) ? [change(prng, series, seriesCount), breathe(prng, 6)] : []),
      { type: 'backup', detached: true },
      breathe(prng, 40),
      change(prng, series, seriesCount),
      breathe(prng, 40),
      change(prng, series, seriesCount),
      breathe(prng, 40),
      change(prng, series, seriesCount),
    ],
  },
  { type: 'settle' },
  { type: 'openBackup', which: 5, readOnly: prng.chance(0.5) },
];

/** The label indexes are rebuilt while series are created. The process dies during it, and perhaps the next one too. */
const reindexed: Scene = (prng, series, _setting, seriesCount) => [
  ...Array.from({ length: prng.between(1, 3) }, () => append(prng, prng.below(seriesCount), prng.between(1, 10))),
  ...(prng.chance(0.5) ? [{ type: 'command', command: 'flush', detached: false } as const] : []),
  prng.chance(0.5)
    ? {
        type: 'together',
        steps: [detached('rebuildIndexes'), breathe(prng, 8), append(prng, series, 3), breathe(prng, 30)],
      }
    : // The opening finds one of the indexes damaged, and rebuilds it.
      {
        type: 'fault',
        fault: { operation: 'openIndex', file: 'index', fault: 'corrupt', skip: prng.below(4), times: 1 },
      },
  crash(prng, [atIndex(prng), ...(prng.chance(0.5) ? [atIndex(prng)] : [])]),
  { type: 'labels', series: null },
];

/** A series is dropped, the process dies, and the directory is inspected. */
const droppedInspected: Scene = (prng, series, setting) => [
  ...(prng.chance(0.6) ? archived(prng, series, setting) : [append(prng, series, prng.between(100, 400)), maintain]),
  {
    type: 'together',
    steps: [
      ...(prng.chance(0.3) ? [detached('checkpoint'), breathe(prng, 10)] : []),
      { type: 'drop', series, detached: true },
      breathe(prng, 40),
      ...(prng.chance(0.3) ? [append(prng, series, 3)] : []),
    ],
  },
  crash(prng),
];

/** A subscriber keeps up while journal segments end. */
const keepingUp: Scene = (prng, _series, _setting, seriesCount) => {
  const name = prng.below(2);
  const round = (): Step[] => [
    append(prng, prng.below(seriesCount), prng.between(20, 400)),
    { type: 'consume', name, batches: prng.between(1, 4), afterwards: 'ack' },
    ...(prng.chance(0.3) ? [detached('checkpoint')] : []),
  ];
  return [
    ...round(),
    ...round(),
    ...(prng.chance(0.3) ? [{ type: 'restart', inspected: prng.chance(0.5) } as const] : []),
    ...round(),
    { type: 'consume', name, batches: 30, afterwards: 'ack' },
  ];
};

/** Up to a year of samples in a directory that keeps everything. Later openings may not name the retention. */
const aYear: Scene = (prng, series, setting) =>
  setting.retentionMs !== null
    ? []
    : [
        append(prng, series, prng.between(200, 1_900), 2 ** 24),
        maintain,
        { type: 'restart', inspected: prng.chance(0.5) },
        { type: 'advance', byMs: idleMs(setting) },
        maintain,
      ];

/**
 * Late samples go into a series file, or a dropped time range comes out of it: in a visit, or at a close. The process
 * may die in any call of that, and the recovery after it too. Samples may follow in the dropped range.
 */
const merged: Scene = (prng, series, setting) => {
  const late = (): Step => ({
    type: 'appendLate',
    series,
    count: prng.between(1, 60),
    spanMs: prng.pick([MINUTE_MS, 10 * MINUTE_MS]),
    values: 'random',
    via: prng.pick(['store', 'handle', 'batch']),
    repeats: prng.pick([0, 0.3]),
    seed: prng.uint32(),
  });
  const dropped = (): Step => {
    const from = prng.next();
    const window = { from, through: prng.pick([null, 1, (1 + from) / 2]) };
    return { type: 'dropRange', series, window, detached: prng.chance(0.2) };
  };
  const call = prng.pick<CrashPoint & object>([
    ...(['create', 'write', 'sync', 'close', 'stat'] as const).map(
      (operation) => ({ operation, file: 'seriesFileTmp', skip: 0 }) as const,
    ),
    { operation: 'rename', file: 'seriesFile', skip: 0 },
    { operation: 'write', file: 'journal', skip: prng.below(3) },
    { operation: 'syncDirectory', file: 'directory', skip: 0 },
  ]);
  const isErased = prng.chance(0.5);
  return [
    ...archived(prng, series, setting),
    ...(isErased ? [] : [late()]),
    ...(prng.chance(0.5) ? [{ type: 'command', command: 'flush', detached: false } as const] : []),
    ...(prng.chance(0.3) ? [detached('checkpoint')] : []),
    ...(prng.chance(0.7)
      ? [
          {
            type: 'crashAt',
            kind: prng.pick(['power', 'kill'] as const),
            fault: call,
            again: prng.chance(0.3) ? [call] : [],
          } as const,
        ]
      : []),
    ...(isErased ? [dropped(), prng.pick([late(), append(prng, series, prng.between(1, 30))])] : []),
    prng.chance(0.5) ? { type: 'restart', inspected: prng.chance(0.3) } : { type: 'advance', byMs: FILE_WAIT_MS },
    { type: 'settle' },
  ];
};

const scenes: readonly Scene[] = [merged, merged, backupMeanwhile, reindexed, droppedInspected, keepingUp, aYear];

export const drawScene: Scene = (prng, series, setting, seriesCount) =>
  prng.pick(scenes)(prng, series, setting, seriesCount);
