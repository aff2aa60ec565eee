/** The real file system, except that the process kills itself at a given call, before or after the call. */
import type { FileSystem } from '../../src/files/file-system.ts';
import { nodeFileSystem } from '../../src/files/node-file-system.ts';

export const dyingFileSystem = (dieAtCall: number): FileSystem => {
  let calls = 0;
  return new Proxy(nodeFileSystem, {
    get: (target, name, receiver) => {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== 'function') return member;
      return (...inputs: unknown[]): unknown => {
        calls++;
        // If the number is odd, the process dies before the call; if it is even, after the call.
        if (calls === dieAtCall && dieAtCall % 2 === 1) process.kill(process.pid, 'SIGKILL');
        try {
          return Reflect.apply(member, target, inputs);
        } finally {
          if (calls === dieAtCall) process.kill(process.pid, 'SIGKILL');
        }
      };
    },
  });
};
