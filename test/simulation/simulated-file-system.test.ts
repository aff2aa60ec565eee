/** The conformance suite of the file-system port on the simulated disk, with and without short reads and writes. */

import { type FileSystemSubject, fileSystemConformance } from '../conformance/file-system.ts';
import { World } from './world.ts';

const subject = (mischief: number): FileSystemSubject => {
  const world = new World({ seed: 1, directory: '/store', mischief });
  const { fileSystem } = world.boot();
  fileSystem.makeDirectory('/store');
  return {
    fileSystem,
    directory: '/store',
    dispose: () => world.crash('kill'),
    run: async (operation) => {
      const outcome = await world.run(operation);
      if (outcome.kind === 'value') return outcome.value;
      throw outcome.kind === 'error' ? outcome.error : new Error(outcome.kind);
    },
  };
};

fileSystemConformance('simulated disk', () => subject(0));
fileSystemConformance('simulated disk with short reads and writes', () => subject(0.5));
