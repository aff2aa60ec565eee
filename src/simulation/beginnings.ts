/**
 * How long sequences begin. Chance alone would leave a few of many hundred faults and transitions out of any large run; but
 * the seeds of a run follow each other, so by its number each is given a fault of its own to meet, and one in four a life in
 * which files are trimmed while others come for them, one in eight little memory.
 */
import { faultTargets } from './fault-targets.ts';
import type { FaultKind, FileKind, Operation } from './faults.ts';
import {
  aging,
  append,
  archived,
  damage,
  damagedMeanwhile,
  everything,
  FIRST_RECORD,
  failing,
  idleMs,
  MINUTE_MS,
  maintain,
  pressed,
  visited,
} from './passages.ts';
import type { Prng } from './prng.ts';
import type { Setting, Step } from './steps.ts';

export interface Beginning {
  readonly setting: Setting;
  /** What befalls the first opening. */
  readonly first: readonly Step[];
  readonly steps: readonly Step[];
}

export const drawBeginning = (prng: Prng, seed: number, seriesCount: number, drawn: Setting): Beginning => {
  const isTrimming = seed % 4 === 0;
  const isPressed = seed % 8 === 2;
  const trimming = { retentionMs: 10 * MINUTE_MS, headChunkTimeoutMs: prng.pick([10_000, MINUTE_MS]), observed: true };
  const setting: Setting = {
    ...drawn,
    ...(isTrimming ? trimming : {}),
    ...(isPressed ? { memoryTarget: 2 ** 21, observed: true } : {}),
  };
  const series = prng.below(seriesCount);
  // With 4 and 264 as periods, every aim would always meet the same kind of life.
  const aim = aims[(seed + Math.floor(seed / aims.length)) % aims.length];
  const isFirst = isOfFirstOpening(aim) && (aim.file === 'version' || prng.chance(0.5));
  return {
    setting,
    first: isFirst ? [armed(prng, aim)] : [],
    steps: [
      ...(isTrimming ? [...damagedMeanwhile(prng, series, setting), ...visited(prng, series, setting)] : []),
      ...(isPressed ? pressed(prng, series, setting) : []),
      ...(isFirst ? [] : pursue(prng, series, setting, aim)),
    ],
  };
};

/** A fault of a call, or a crash at it. */
interface Aim {
  readonly operation: Operation;
  readonly file: FileKind;
  readonly fault: FaultKind;
}

const aims: readonly Aim[] = faultTargets.flatMap(({ faults, ...call }) =>
  [...faults, 'crash' as const].map((fault) => ({ ...call, fault })),
);

/** Files that the first opening makes, and the calls that make them. */
const firstFiles: ReadonlySet<FileKind> = new Set(['version', 'dirtyFlag', 'directory', 'index', 'journal']);
const making: ReadonlySet<Operation> = new Set(['create', 'write', 'sync', 'rename', 'makeDirectory', 'openIndex']);

/** Whether a fault is to be there before the first opening, as most of these files are never made again. */
const isOfFirstOpening = ({ file, operation }: Aim): boolean => firstFiles.has(file) && making.has(operation);

/** Arms it for the next such call. */
const armed = (prng: Prng, { operation, file, fault }: Aim): Step =>
  fault === 'crash'
    ? { type: 'crashAt', kind: prng.pick(['power', 'kill']), fault: { operation, file, skip: 0 }, again: [] }
    : { type: 'fault', fault: { operation, file, fault, skip: 0, times: 1 } };

const restart: Step = { type: 'restart' };
const checkpoint: Step = { type: 'command', command: 'checkpoint', detached: false };
const consume: Step = { type: 'consume', name: 0, batches: 2, afterwards: 'ack' };

/** What leads to the call, with the fault armed when it is about to come. */
const pursue = (prng: Prng, series: number, setting: Setting, aim: Aim): Step[] => {
  const { operation, file, fault } = aim;
  const fate = armed(prng, aim);
  const someSamples = append(prng, series, 5);
  switch (file) {
    case 'orphaned':
      return [
        ...archived(prng, series, setting),
        { ...damage(prng, series), at: FIRST_RECORD },
        fate,
        { type: 'query', series: null, window: everything },
        { type: 'settle' },
        maintain,
        restart,
      ];
    case 'seriesFileTmp':
      return [...aging(prng, series, setting), fate, { type: 'advance', byMs: 30_000 }, maintain, { type: 'settle' }];
    case 'seriesFile':
      return [
        ...archived(prng, series, setting),
        append(prng, series, 300),
        fate,
        // Where an append fails, what it wrote is cut off again.
        ...(operation === 'truncate' ? [failing('sync', 'seriesFile')] : []),
        { type: 'advance', byMs: idleMs(setting) },
        maintain,
        ...(operation === 'remove' ? [{ type: 'drop', series, detached: false } as const] : []),
        { type: 'settle' },
        restart,
      ];
    case 'journal': {
      if (operation !== 'truncate') return [someSamples, fate, checkpoint, { type: 'advance', byMs: 90_000 }, restart];
      // The end is cut off in the recovery after a write that was torn.
      const torn = { operation: 'write', file: 'journal', skip: prng.below(3) } as const;
      return [
        someSamples,
        ...(fault === 'crash' ? [] : [fate]),
        {
          type: 'crashAt',
          kind: 'power',
          fault: torn,
          again: fault === 'crash' ? [{ operation, file, skip: 0 }] : [],
        },
        append(prng, series, 200),
        { type: 'advance', byMs: 2_000 },
        checkpoint,
      ];
    }
    case 'headsTmp':
      // Where it could not be written, it is removed.
      return [someSamples, fate, ...(operation === 'remove' ? [failing('sync', 'headsTmp')] : []), checkpoint, restart];
    case 'cursor':
      return ['open', 'read', 'close', 'stat'].includes(operation)
        ? [someSamples, consume, fate, restart, consume]
        : [someSamples, fate, consume, { type: 'advance', byMs: 2_000 }, restart];
    case 'index':
      return [fate, someSamples, { type: 'labels', series: null }, { type: 'advance', byMs: 5_000 }, restart];
    default:
      return [someSamples, fate, checkpoint, restart];
  }
};
