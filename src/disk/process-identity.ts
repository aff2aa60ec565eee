/**
 * What tells one process of this machine from every other one, also from a later process with the same id: written to
 * DIRTY, and compared with what runs now. Linux tells all of it in /proc. Elsewhere only the id and the time of start
 * are known.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** When the process opened the directory, milliseconds since the epoch. For messages only: clocks are changed. */
  readonly since: number;
  /** Random text, different for every opening of a directory. */
  readonly token: string;
  /** When the process started, in clock ticks since the machine did. */
  readonly start?: string;
  /** Of the running kernel: another one after a restart of the machine. */
  readonly boot?: string;
  /** In which `pid` means this process. */
  readonly pidNamespace?: string;
  /** In which the process has bound the socket of the directory; absent when it has none. */
  readonly socketNamespace?: string;
}

export const identityOf = (token: string, since: number): ProcessIdentity => {
  const start = startOf('self');
  const boot = bootId();
  const pidNamespace = namespaceOf('pid');
  return {
    pid: process.pid,
    host: hostname(),
    since,
    token,
    ...(start === undefined ? {} : { start }),
    ...(boot === undefined ? {} : { boot }),
    ...(pidNamespace === undefined ? {} : { pidNamespace }),
  };
};

/** Of the network, in which names of abstract sockets are unique. */
export const socketNamespace = (): string | undefined => namespaceOf('net');

/** The record of a DIRTY file; `undefined` for an empty one, an older version's and everything else. */
export const parseIdentity = (text: string): ProcessIdentity | undefined => {
  try {
    const record = JSON.parse(text) as Partial<ProcessIdentity> | null;
    const { pid, host, since, token } = record ?? {};
    if (!Number.isSafeInteger(pid) || typeof host !== 'string' || typeof since !== 'number') return undefined;
    return typeof token === 'string' ? (record as ProcessIdentity) : undefined;
  } catch {
    return undefined;
  }
};

/**
 * Whether the process is certain to be running here. `false` when it has ended, and when this can't be known from here:
 * a process of another machine, or, seen from within a container, one outside of it.
 */
export const isRunning = (other: ProcessIdentity): boolean => {
  if (other.pid <= 0) return false;
  if (process.platform === 'linux') {
    if (other.start === undefined || other.boot === undefined || other.pidNamespace === undefined) return false;
    if (other.boot !== bootId()) return false;
    if (other.pidNamespace === namespaceOf('pid')) {
      return other.pid !== process.pid && startOf(String(other.pid)) === other.start;
    }
    return isRunningBelow(other.pid, other.start, other.pidNamespace);
  }
  // A recycled id belongs to a process that started after the directory was opened.
  return (
    other.pid !== process.pid &&
    other.host === hostname() &&
    process.platform !== 'win32' &&
    isRunningSince(other.pid, other.since)
  );
};

/** Looks for a process of a namespace below this one, such as a container's, where it has another id than here. */
const isRunningBelow = (pid: number, start: string, pidNamespace: string): boolean => {
  for (const id of processIds()) {
    if (linkOf(`/proc/${id}/ns/pid`) !== pidNamespace || startOf(id) !== start) continue;
    // Its ids from the outermost namespace that is seen from here to its own.
    const ids = /^NSpid:\s*(.*)$/m.exec(read(`/proc/${id}/status`) ?? '')?.[1]?.split(/\s+/) ?? [];
    if (ids.at(-1) === String(pid)) return true;
  }
  return false;
};

const processIds = (): readonly string[] => {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
};

const bootId = (): string | undefined => read('/proc/sys/kernel/random/boot_id')?.trim();

const namespaceOf = (kind: 'pid' | 'net'): string | undefined => linkOf(`/proc/self/ns/${kind}`);

const linkOf = (path: string): string | undefined => {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
};

/** Field 22 of /proc/PID/stat; `undefined` when there is no such process, or one that has ended and was not waited for. */
const startOf = (pid: string): string | undefined => {
  const text = read(`/proc/${pid}/stat`);
  // The second field is the name in parentheses, which may itself hold spaces and parentheses.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ') ?? [];
  const [state] = fields;
  return state === undefined || state === 'Z' || state === 'X' ? undefined : fields[19];
};

const isRunningSince = (pid: number, time: number): boolean => {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  try {
    const env = { ...process.env, LC_ALL: 'C' };
    const command = ['-o', 'lstart=', '-p', String(pid)];
    const started = Date.parse(execFileSync('ps', command, { encoding: 'utf8', timeout: 2000, env }));
    // A date of an unknown form: the id is in use, so the process counts as running.
    return Number.isNaN(started) || started <= time;
  } catch {
    return false;
  }
};

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};
