/** Looking into a directory from outside: for programs that do it, and loaded only then. */
import type { CheckOptions, CheckReport } from './check.ts';
import type { HeadsListing, HeadsListingOptions } from './heads-listing.ts';

/**
 * Verifies a directory. Rejects when it cannot be checked at all (`TIDEMARK_NOT_A_STORE`,
 * `TIDEMARK_UNSUPPORTED_VERSION`, `TIDEMARK_IO`), or when the check was aborted (`TIDEMARK_ABORTED`).
 */
export const checkDirectory = async (directory: string, options?: CheckOptions): Promise<CheckReport> =>
  (await import('./check.ts')).checkDirectory(directory, options);

/**
 * Lists the checkpoint. Damage is in the result, not thrown.
 *
 * @throws {TidemarkError} `TIDEMARK_NOT_A_STORE`, `TIDEMARK_UNSUPPORTED_VERSION`, `TIDEMARK_IO`, `TIDEMARK_ABORTED`
 */
export const listHeads = async (directory: string, options: HeadsListingOptions): Promise<HeadsListing> =>
  (await import('./heads-listing.ts')).listHeads(directory, options);
