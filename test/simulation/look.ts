/**
 * Reads everything in a directory, samples and labels, in a process of its own: while the store's process runs, or
 * between two of them. A reader must change nothing, and no look may leave a file open.
 */
import type { SeriesSamples, Store } from '../../src/api/api.ts';
import { TidemarkError } from '../../src/model/errors.ts';
import type { Labels } from '../../src/model/labels.ts';
import { inFull, type Life } from './life.ts';
import { Violation } from './model.ts';
import { ALL_SERIES } from './value-source.ts';

/** Everything that a store shows. */
export interface Look {
  readonly samples: readonly SeriesSamples[];
  readonly metrics: readonly Labels[];
  readonly names: readonly string[];
}

export interface LookOptions {
  readonly directory: string;
  readonly readOnly: boolean;
  /** Something was damaged, so that the opening may be refused. */
  readonly excused: boolean;
}

/** Opens the directory, reads everything, and closes it. Returns `undefined` if the opening was refused excusably. */
export const lookAt = async (
  life: Life,
  what: string,
  { directory, readOnly, excused }: LookOptions,
): Promise<Look | undefined> => {
  const bystander = life.world.spawn();
  const { process, fileSystem, ports } = bystander;
  const outcome = await life.world.runBeside(bystander, async () => {
    const store = await life.openBeside(directory, { ...ports, readOnly });
    try {
      return await lookOf(store);
    } finally {
      await store.close();
    }
  });
  if (outcome.kind === 'stuck') throw new Violation(`opening ${what} never came to an end: ${outcome.reason}`);
  if (outcome.kind === 'error' && !(excused && isRefusal(outcome.error)))
    throw new Violation(`opening ${what} failed: ${inFull(outcome.error)}`);
  const [open] = fileSystem.openPaths;
  if (open !== undefined) throw new Violation(`a file is open after opening and closing ${what}: ${open}`);
  const [change] = process.changes;
  if (readOnly && change !== undefined) throw new Violation(`opening ${what} changed something: ${change}`);
  return outcome.kind === 'value' ? outcome.value : undefined;
};

/** Reads everything that an open store shows. */
export const lookOf = async (store: Store): Promise<Look> => {
  const samples: SeriesSamples[] = [];
  for await (const one of store.select(ALL_SERIES)) samples.push(one);
  return { samples, metrics: await store.metrics(ALL_SERIES), names: await store.labelNames() };
};

const isRefusal = (error: unknown): boolean => error instanceof TidemarkError && error.code !== 'TIDEMARK_INTERNAL';
