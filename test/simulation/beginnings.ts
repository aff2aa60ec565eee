/**
 * The beginnings of long sequences. By chance alone, every large run would miss a few of the many hundred faults and
 * transitions. The seeds of a run are consecutive, so the number of the seed selects the beginning: each seed gets a
 * fault of its own, one in four gets a store that trims files while other operations use them, and one in eight gets
 * little memory.
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
  /** Faults and crashes of the first opening. */
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
  // The quotient shifts the pairing in every round: without it, each aim would meet only some of the settings above,
  // because the number of aims and the periods 4 and 8 have a common factor.
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

/** A fault of a kind of call, or a crash in it. */
interface Aim {
  readonly operation: Operation;
  readonly file: FileKind;
  readonly fault: FaultKind;
}

const aims: readonly Aim[] = faultTargets.flatMap(({ faults, ...call }) =>
  [...faults, 'crash' as const].map((fault) => ({ ...call, fault })),
);

/** Files that the first opening creates, and the operations that create them. */
const firstFiles: ReadonlySet<FileKind> = new Set(['version', 'dirtyFlag', 'directory', 'index', 'journal']);
const making: ReadonlySet<Operation> = new Set(['create', 'write', 'sync', 'rename', 'makeDirectory', 'openIndex']);

/** Whether the fault must be armed before the first opening, because most of these files are never created again. */
const isOfFirstOpening = ({ file, operation }: Aim): boolean => firstFiles.has(file) && making.has(operation);

/** Arms the fault for the next matching call. */
const armed = (prng: Prng, { operation, file, fault }: Aim): Step =>
  fault === 'crash'
    ? { type: 'crashAt', kind: prng.pick(['power', 'kill']), fault: { operation, file, skip: 0 }, again: [] }
    : { type: 'fault', fault: { operation, file, fault, skip: 0, times: 1 } };

const restart: Step = { type: 'restart' };
const checkpoint: Step = { type: 'command', command: 'checkpoint', detached: false };
const consume: Step = { type: 'consume', name: 0, batches: 2, afterwards: 'ack' };

/** Steps that lead to the call. The fault is armed shortly before it. */
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
        // If an append to the file fails, the store truncates what it wrote.
        ...(operation === 'truncate' ? [failing('sync', 'seriesFile')] : []),
        { type: 'advance', byMs: idleMs(setting) },
        maintain,
        ...(operation === 'remove' ? [{ type: 'drop', series, detached: false } as const] : []),
        { type: 'settle' },
        restart,
      ];
    case 'journal': {
      if (operation !== 'truncate') return [someSamples, fate, checkpoint, { type: 'advance', byMs: 90_000 }, restart];
      // The recovery after a torn write truncates the journal.
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
      // If the file could not be written, the store removes it.
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
