/** Checks an argument that names a directory which the verb may create. */
import { existsSync } from 'node:fs';
import { UsageError } from './verb.ts';

/** `host:port`, with or without a path. */
const address = /^(\[[\da-f:]+\]|[\w.-]+):\d{1,5}(\/|$)/i;

/** Throws a usage error for a name that looks like an address, unless there is such a directory. */
export const checkDirectoryName = (name: string): void => {
  if (!address.test(name) || existsSync(name)) return;
  throw new UsageError(
    `${JSON.stringify(name)} looks like an address. For the address write http://${name}, for a directory of this name ./${name}`,
  );
};
