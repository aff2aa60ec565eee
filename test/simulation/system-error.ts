/** Errors as Node makes them from errors of the system: code, number, call, path. */

const messages = {
  EACCES: [13, 'permission denied'],
  EBADF: [9, 'bad file descriptor'],
  EEXIST: [17, 'file already exists'],
  EINVAL: [22, 'invalid argument'],
  EIO: [5, 'i/o error'],
  EISDIR: [21, 'illegal operation on a directory'],
  EMFILE: [24, 'too many open files'],
  ENOENT: [2, 'no such file or directory'],
  ENOSPC: [28, 'no space left on device'],
  ENOTDIR: [20, 'not a directory'],
  ENOTEMPTY: [39, 'directory not empty'],
} as const satisfies Readonly<Record<string, readonly [number, string]>>;

export type SystemErrorCode = keyof typeof messages;

/** The error for a failed system call. */
export const systemError = (code: SystemErrorCode, syscall: string, path?: string): Error => {
  const [errno, text] = messages[code];
  const where = path === undefined ? '' : ` '${path}'`;
  return Object.assign(new Error(`${code}: ${text}, ${syscall}${where}`), { code, errno: -errno, syscall, path });
};
