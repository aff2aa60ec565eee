/**
 * Claims a directory for one opening, before anything in it is touched. LevelDB's lock alone is not enough. Within a
 * process it compares paths, so it does not find a second path to the same directory. A process also loses the lock
 * when it closes any descriptor of the LOCK file; a program that copies its own directory does that.
 * docs/decisions/0014-witnesses-of-the-lock.md
 *
 * 1. A table of this process, by device and inode and by real path, finds the same directory under another name.
 * 2. A bound socket, named by device and inode, finds other processes and other threads, and decides between two that
 *    open at the same time. Nothing that the program does with files can free it.
 * 3. The socket can't decide where there are no such sockets, or when the other process is in another network
 *    namespace. Then DIRTY names the process that has the directory open, and the claim checks whether that process is
 *    running.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, realpathSync, statSync } from 'node:fs';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { askHolder, bindSocket, closeSocket, socketNames } from './claim-socket.ts';
import type { ClaimOutcome, DirectoryClaim, DirectoryHolder } from './file-system.ts';
import { addOpen, findOpen, type OpenDirectory, removeOpen } from './open-directories.ts';
import { identityOf, isRunning, type ProcessIdentity, parseIdentity, socketNamespace } from './process-identity.ts';

const DIRTY_FILE = 'DIRTY';
const MARK_BYTES_MAX = 4096;
/** Attempts to bind a name when each time the holder ended before it could be asked. */
const BIND_ATTEMPTS = 5;

export const claimDirectory = async (directory: string, since: number): Promise<ClaimOutcome> => {
  const names = namesOf(directory);
  const identity = identityOf(randomUUID(), since);
  const open = findOpen(names);
  if (open !== undefined && isHeld(answerOf(open), directory)) return { holder: open };
  const path = realpathSync(directory);
  const entry: OpenDirectory = { ...identity, isMarked: false, isInPlace: () => leadsTo(path, names[0]) };
  addOpen(names, entry);
  let claim: DirectoryClaim | undefined;
  try {
    const outcome = await claimBetweenProcesses(directory, names, identity, entry);
    if ('claim' in outcome) claim = outcome.claim;
    return outcome;
  } finally {
    if (claim === undefined) removeOpen(names, entry);
  }
};

const claimBetweenProcesses = async (
  directory: string,
  names: readonly string[],
  identity: ProcessIdentity,
  entry: OpenDirectory,
): Promise<ClaimOutcome> => {
  const socket = await takeSocket(directory, names[0], entry);
  if ('holder' in socket) return socket;
  const { server, name } = socket;
  // Names of different lengths don't conflict, so the length is part of the namespace.
  const namespace = server === undefined ? undefined : `${socketNamespace() ?? 'only one'}/${name?.length}`;
  const marked = readMark(directory);
  const isSettledBySocket = namespace !== undefined && marked?.socketNamespace === namespace;
  if (marked !== undefined && !isSettledBySocket && isRunning(marked)) {
    if (server !== undefined) await closeSocket(server);
    return { holder: marked };
  }
  return {
    claim: {
      identity: namespace === undefined ? identity : { ...identity, socketNamespace: namespace },
      noteMarked: (isMarked) => {
        entry.isMarked = isMarked;
      },
      release: async () => {
        removeOpen(names, entry);
        if (server !== undefined) await closeSocket(server);
      },
    },
  };
};

interface Bound {
  readonly server: Server | undefined;
  readonly name?: string;
}

/** Binds the directory's name, or returns the holder. Returns no server where there are no such sockets. */
const takeSocket = async (
  directory: string,
  identity: string,
  entry: OpenDirectory,
): Promise<Bound | { readonly holder: DirectoryHolder }> => {
  for (const name of socketNames(identity)) {
    const taken = await takeName(directory, name, entry);
    if ('holder' in taken || taken.server !== undefined) return taken;
  }
  return { server: undefined };
};

const takeName = async (
  directory: string,
  name: string,
  entry: OpenDirectory,
): Promise<Bound | { readonly holder: DirectoryHolder }> => {
  for (let attempt = 1; attempt <= BIND_ATTEMPTS; attempt++) {
    const server = await bindSocket(name, () => `${JSON.stringify(answerOf(entry))}\n`);
    if (server === 'unavailable') return { server: undefined };
    if (server !== 'taken') return { server, name };
    const answer = await askHolder(name);
    if (answer === 'gone') continue;
    const holder = parseAnswer(answer);
    if (holder !== undefined && !isHeld(holder, directory)) return { server: undefined };
    return { holder: holder ?? readMark(directory) ?? {} };
  }
  return { holder: readMark(directory) ?? {} };
};

/** What a holder answers about itself. */
type Answer = ProcessIdentity & { readonly isMarked: boolean; readonly isInPlace: boolean };

const answerOf = ({ token, pid, host, since, isMarked, isInPlace }: OpenDirectory): Answer => ({
  token,
  pid,
  host,
  since,
  isMarked,
  isInPlace: isInPlace(),
});

const parseAnswer = (text: string | undefined): Answer | undefined => {
  const answer = parseIdentity(text ?? '') as Partial<Answer> | undefined;
  const isWhole = typeof answer?.isMarked === 'boolean' && typeof answer.isInPlace === 'boolean';
  return isWhole ? (answer as Answer) : undefined;
};

const readMark = (directory: string): ProcessIdentity | undefined => {
  try {
    const path = join(directory, DIRTY_FILE);
    return statSync(path).size > MARK_BYTES_MAX ? undefined : parseIdentity(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
};

/**
 * Whether the holder has this directory open. When a program removes the directory of an open store, a new directory
 * can get the same inode. Then the holder's path does not lead to the new directory, and the new directory does not
 * have the holder's DIRTY.
 */
const isHeld = ({ isInPlace, isMarked, token }: Answer, directory: string): boolean =>
  isInPlace || !isMarked || readMark(directory)?.token === token;

const leadsTo = (path: string, name: string): boolean => {
  try {
    return namesOf(path)[0] === name;
  } catch {
    return false;
  }
};

/**
 * The names of a directory. Device and inode come first, because they are the same under every path. On a file system
 * without inodes there is only the path.
 */
const namesOf = (directory: string): readonly [string, ...string[]] => {
  const path = realpathSync(directory);
  const { dev, ino } = statSync(path, { bigint: true });
  const byPath = createHash('sha256').update(path).digest('hex');
  return ino === 0n ? [byPath] : [`${dev}-${ino}`, byPath];
};
