/** Databases in memory. A test finds one by the name of its folder and makes it fail. */
import { basename } from 'node:path';
import type { FileSystem } from '../../src/files/file-system.ts';
import { type MemoryStore, MemoryStores } from '../support/memory-stores.ts';

export class FailingStores extends MemoryStores {
  private readonly latest = new Map<string, MemoryStore>();
  private readonly fileSystem: FileSystem;

  /** The folders of the databases are created in this file system, because a store expects them there. */
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
