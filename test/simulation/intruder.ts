/**
 * A second process tries to open the directory for writing while the store is open. It must be refused with
 * `TIDEMARK_LOCKED`, whichever path it uses, and must change nothing.
 */
import { TidemarkError } from '../../src/model/errors.ts';
import { inFull, type Life } from './life.ts';
import { Violation } from './model.ts';
import type { IntruderPath, Step } from './steps.ts';

const paths: Readonly<Record<IntruderPath, string>> = {
  same: '/store',
  roundabout: '/store/../store/.',
  link: '/link-to-store',
};

export const intrude = async (life: Life, step: Extract<Step, { type: 'intrude' }>): Promise<void> => {
  const directory = paths[step.path];
  if (step.locksLost) life.world.databases.loseLocks();
  const bystander = life.world.spawn();
  const { process, fileSystem, ports } = bystander;
  const outcome = await life.world.runBeside(bystander, async () => {
    const store = await life.openBeside(directory, ports);
    await store.close();
  });
  if (outcome.kind === 'crashed' || !life.alive) return;
  if (outcome.kind === 'stuck') throw new Violation(`a second opener is neither let in nor refused: ${outcome.reason}`);
  if (outcome.kind === 'value') throw new Violation(`a second opener was let in by ${directory}`);
  const { error } = outcome;
  if (!(error instanceof TidemarkError) || error.code !== 'TIDEMARK_LOCKED')
    throw new Violation(`a second opener was refused with another error: ${inFull(error)}`);
  const [change] = process.changes;
  if (change !== undefined) throw new Violation(`a second opener that was refused changed something: ${change}`);
  const [open] = fileSystem.openPaths;
  if (open !== undefined) throw new Violation(`a second opener that was refused left a file open: ${open}`);
};
