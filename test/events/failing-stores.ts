/** Databases in memory that a test can make fail by the name of their folder. */
import { basename } from 'node:path';
import type { FileSystem } from '../../src/disk/file-system.ts';
import { type MemoryStore, MemoryStores } from '../support/memory-stores.ts';

export class FailingStores extends MemoryStores {
  private readonly latest = new Map<string, MemoryStore>();
  private readonly fileSystem: FileSystem;

  /** The folders are made there: a store misses them otherwise. */
  constructor(fileSystem: FileSystem) {
    super();
    this.fileSystem = fileSystem;
  }

  override async open(directory: string): Promise<MemoryStore> {
    this.fileSystem.makeDirectory(directory);
    const store = await super.open(directory);
    this.latest.set(basename(directory), store);
    return store;
  }

  /** The database that was opened last in a folder of this name. */
  named(folder: string): MemoryStore {
    const store = this.latest.get(folder);
    if (store === undefined) throw new Error(`no database ${folder}`);
    return store;
  }
}
