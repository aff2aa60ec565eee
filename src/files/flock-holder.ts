/**
 * Finds the process that holds a lock on a file, as far as /proc/locks of Linux shows it. A running Prometheus holds a
 * `flock` on DIRTY, which network file systems turn into a POSIX lock. Node can't take such a lock itself, and
 * LevelDB's own lock is on another file.
 */
import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';

/** `1: FLOCK  ADVISORY  WRITE 12345 08:01:393229 0 EOF`: pid, device as two hex numbers, inode. */
const lockLine = /^\d+: (?:FLOCK|POSIX|OFDLCK) +\S+ +WRITE +(\d+) +([0-9a-f]+):([0-9a-f]+):(\d+) /;

/** The process id, or `undefined` when no lock is found. */
export const flockHolder = (path: string): number | undefined => {
  const locks = readIfPossible('/proc/locks');
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (locks === undefined || stats === undefined) return undefined;
  for (const line of locks.split('\n')) {
    const [, pid, major, minor, inode] = lockLine.exec(line) ?? [];
    if (pid === undefined || BigInt(inode) !== stats.ino) continue;
    const isSameDevice = deviceNumber(major, minor) === stats.dev;
    if (isSameDevice || hasOpen(pid, path)) return Number(pid);
  }
  return undefined;
};

/** Packs a device number as the kernel does for `stat`. */
const deviceNumber = (major: string, minor: string): bigint => {
  const [high, low] = [BigInt(`0x${major}`), BigInt(`0x${minor}`)];
  return ((high & 0xfffn) << 8n) | (low & 0xffn) | ((low & ~0xffn) << 12n) | ((high & ~0xfffn) << 32n);
};

/**
 * Whether the process has the file open. Some file systems show different device numbers in /proc/locks and in `stat`;
 * then the open files of the process decide.
 */
const hasOpen = (pid: string, path: string): boolean => {
  try {
    const real = realpathSync(path);
    return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === real);
  } catch {
    // The process belongs to another user, or has just ended.
    return false;
  }
};

/** The text of a file, such as one of /proc; `undefined` when it can't be read. */
export const readIfPossible = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};
