/**
 * The identity of a process: it differs from that of every other process of this machine, including a later process
 * with the same id. It is written to DIRTY and compared with the running processes. Linux has all of it in /proc. On
 * other systems only the id and the start time are known.
 */

import { execFileSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { codeOf } from '../model/errors.ts';
import { readIfPossible } from './flock-holder.ts';

export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /**
   * When the process opened the directory, milliseconds since the epoch. On Linux for messages only, because clocks are
   * changed. On other systems it is compared with the start time of the process.
   */
  readonly since: number;
  /** Random text, different for every opening of a directory. */
  readonly token: string;
  /** When the process started, in clock ticks since the machine started. */
  readonly start?: string;
  /** Id of the running kernel. It changes when the machine restarts. */
  readonly boot?: string;
  /** The namespace in which `pid` identifies this process. */
  readonly pidNamespace?: string;
  /**
   * The network namespace in which the process bound the directory's socket, with the length of the socket's name;
   * absent when the process has no such socket.
   */
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

/** The network namespace. Names of abstract sockets are unique within it. */
export const socketNamespace = (): string | undefined => namespaceOf('net');

/**
 * Parses the record of a DIRTY file. `undefined` for an empty file, for one of an older version and for anything else.
 */
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
 * Whether the process is certain to be running. `false` when it has ended, and when this process can't know: the other
 * process may be on another machine, or outside of the container in which this process runs.
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
  // If the id was reused, its process started after the directory was opened.
  return (
    other.pid !== process.pid &&
    other.host === hostname() &&
    process.platform !== 'win32' &&
    isRunningSince(other.pid, other.since)
  );
};

/**
 * Looks for a process in a namespace below this one, such as a container's. There the process has another id than here.
 */
const isRunningBelow = (pid: number, start: string, pidNamespace: string): boolean => {
  for (const id of processIds()) {
    if (linkOf(`/proc/${id}/ns/pid`) !== pidNamespace || startOf(id) !== start) continue;
    // The ids of the process, from the outermost namespace that is visible here to its own.
    const ids = /^NSpid:\s*(.*)$/m.exec(readIfPossible(`/proc/${id}/status`) ?? '')?.[1]?.split(/\s+/) ?? [];
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

const bootId = (): string | undefined => readIfPossible('/proc/sys/kernel/random/boot_id')?.trim();

const namespaceOf = (kind: 'pid' | 'net'): string | undefined => linkOf(`/proc/self/ns/${kind}`);

const linkOf = (path: string): string | undefined => {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
};

/**
 * Field 22 of /proc/PID/stat, the start time. `undefined` when there is no such process, and when it has ended but its
 * parent has not waited for it.
 */
const startOf = (pid: string): string | undefined => {
  const text = readIfPossible(`/proc/${pid}/stat`);
  // The second field is the name in parentheses. The name itself may contain spaces and parentheses.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ') ?? [];
  const [state] = fields;
  return state === undefined || state === 'Z' || state === 'X' ? undefined : fields[19];
};

const isRunningSince = (pid: number, time: number): boolean => {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) !== 'EPERM') return false;
  }
  try {
    const env = { ...process.env, LC_ALL: 'C' };
    const command = ['-o', 'lstart=', '-p', String(pid)];
    const started = Date.parse(execFileSync('ps', command, { encoding: 'utf8', timeout: 2000, env }));
    // If the date can't be parsed, the process counts as running, because the id is in use.
    return Number.isNaN(started) || started <= time;
  } catch {
    return false;
  }
};
