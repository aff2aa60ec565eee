/** The conformance suite of the key-value port on LevelDB, and on the stores in memory that other tests put in its place. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { levelStores } from '../../src/index/level-stores.ts';
import { MemoryStores } from '../support/memory-stores.ts';
import { keyValueStoreConformance, killedStoreConformance } from './key-value-store.ts';

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

  killedStoreConformance(() => {
    const directory = join(mkdtempSync(join(parent, 'killed-')), 'index');
    return {
      stores: levelStores,
      directory,
      run: (operation) => operation(),
      writeAndKill: (count) => writeAndKill(directory, count),
      storesAfter: () => levelStores,
    };
  });

  it('are refused when a table is damaged, and start again once destroyed', async () => {
    const directory = join(parent, 'index');
    const store = await levelStores.open(directory);
    await store.batch([{ type: 'put', key: Buffer.from('a'), value: Buffer.from('1') }], { sync: false });
    await store.flushLog();
    await store.close();
    const [table] = readdirSync(directory).filter((name) => name.endsWith('.ldb'));
    const content = readFileSync(join(directory, table));
    content[3] ^= 1;
    writeFileSync(join(directory, table), content);
    for (const open of [levelStores.open, levelStores.openCopy]) {
      const outcome = await open(directory).catch((error: unknown) => error);
      expect(outcome).to.have.property('code', 'TIDEMARK_CORRUPT_INDEX');
    }
    await levelStores.destroy(directory);
    const again = await levelStores.open(directory);
    expect(await again.get(Buffer.from('a'))).to.equal(undefined);
    await again.close();
  });
});

/** A process that writes until it is killed. It says how many batches were acknowledged. */
const writeAndKill = async (directory: string, count: number): Promise<number> => {
  const program = `
    const { levelStores } = await import(${JSON.stringify(new URL('../../src/index/level-stores.js', import.meta.url).href)});
    const store = await levelStores.open(${JSON.stringify(directory)});
    for (let i = 0; ; i++) {
      const put = (key) => ({ type: 'put', key: Buffer.from(key + i), value: Buffer.from('1') });
      await store.batch([put('a'), put('b')], { sync: false });
      process.send(i + 1);
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let acknowledged = 0;
  child.on('message', (message) => {
    acknowledged = Number(message);
    if (acknowledged >= count) child.kill('SIGKILL');
  });
  await once(child, 'close');
  return acknowledged;
};

describe('The key-value stores in memory', () => {
  keyValueStoreConformance(() => ({
    stores: new MemoryStores(),
    directory: 'index',
    run: (operation) => operation(),
  }));
});
