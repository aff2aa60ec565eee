/** The conformance suite of the key-value port on LevelDB, and on the stores in memory that other tests use instead. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { levelStores } from '../../src/indexes/level-stores.ts';
import { MemoryStores } from '../support/memory-stores.ts';
import { keyValueStoreConformance } from './key-value-store.ts';

describe('The key-value stores on LevelDB', () => {
  let parent: string;
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'tidemark-kv-'));
  });
  afterEach(() => rmSync(parent, { recursive: true, force: true }));

  keyValueStoreConformance(() => ({
    stores: levelStores,
    directory: join(parent, 'index'),
    run: (operation) => operation(),
  }));
});

describe('The key-value stores in memory', () => {
  keyValueStoreConformance(() => ({
    stores: new MemoryStores(),
    directory: 'index',
    run: (operation) => operation(),
  }));
});
