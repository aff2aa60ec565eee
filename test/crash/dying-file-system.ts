/** The real file system for as long as it lasts: at a given call the process kills itself, before or after the call. */
import type { FileSystem } from '../../src/disk/file-system.ts';
import { nodeFileSystem } from '../../src/disk/node-file-system.ts';

export const dyingFileSystem = (dieAtCall: number): FileSystem => {
  let calls = 0;
  return new Proxy(nodeFileSystem, {
    get: (target, name, receiver) => {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== 'function') return member;
      return (...inputs: unknown[]): unknown => {
        calls++;
        // An odd number dies before the call, an even one behind it.
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
