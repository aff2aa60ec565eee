/** The endpoints that take samples. They exist only where writing was allowed. */
import { systemClock } from '../../index.ts';
import type { Route } from '../router.ts';
import { HeldBytes } from './held-bytes.ts';
import { importRoutes } from './import-door.ts';
import { remoteWriteRoute } from './remote-write-door.ts';

/** Bytes of remote-write requests, as sent and as restored, that are in memory at one time. */
const REMOTE_WRITE_BYTES_MAX = 128 * 1024 * 1024;
/** Bytes that imports may use at one time. */
const IMPORT_BYTES_MAX = 256 * 1024 * 1024;

export const writeRoutes: readonly Route[] = [
  remoteWriteRoute(new HeldBytes(REMOTE_WRITE_BYTES_MAX)),
  ...importRoutes({ clock: systemClock, held: new HeldBytes(IMPORT_BYTES_MAX) }),
];
