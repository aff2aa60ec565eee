/** The conformance suite of the file-system port on the files in memory that tests use. */
import { fileSystemConformance } from '../conformance/file-system.ts';
import { MemoryFileSystem } from './memory-file-system.ts';

fileSystemConformance('files in memory', () => {
  const fileSystem = new MemoryFileSystem();
  fileSystem.makeDirectory('/store');
  return { fileSystem, directory: '/store', dispose: () => {} };
});
