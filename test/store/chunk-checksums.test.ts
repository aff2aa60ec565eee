/** Damage that a chunk's decoder can't see: readers get the other chunks, and are told. */
import { expect } from 'chai';
import type { SeriesSamples, Store } from '../../src/index.ts';
import { type Machine, openMachine, START_MS } from './support.ts';

const COUNT = 900;
const noise = (n: number): number => (Math.imul(n + 1, 2654435761) >>> 0) / 7;

/** One series, archived, with several chunks. */
const archived = async (): Promise<{ machine: Machine; path: string }> => {
  const machine = await openMachine({ retention: 'off', headChunkTimeout: '1m' });
  for (let k = 0; k < COUNT; k++) machine.store.append({ __name__: 'm' }, START_MS + k, noise(k));
  await machine.pass(90_000, 1000);
  await machine.store.maintain();
  await machine.store.maintain();
  const reopened = await machine.reopen({ retention: 'off' });
  const path = reopened.fileSystem.paths().find((name) => name.endsWith('.db') && name.length > 20) ?? '';
  return { machine: reopened, path };
};

const read = async (store: Store, range = {}): Promise<SeriesSamples[]> => {
  const found: SeriesSamples[] = [];
  for await (const series of store.select('m', range)) found.push(series);
  return found;
};

const flip = ({ fileSystem }: Machine, path: string, offset: number): void => {
  const bytes = fileSystem.content(path);
  bytes[offset] ^= 4;
  fileSystem.put(path, bytes);
};

const expectAsAppended = ({ timestamps, values }: Pick<SeriesSamples, 'timestamps' | 'values'>): void => {
  for (const [i, time] of timestamps.entries()) expect(values[i]).to.equal(noise(time - START_MS));
};

describe('a flipped bit in the values of a chunk', () => {
  it('costs the reader that chunk alone, and the answer says so', async () => {
    const { machine, path } = await archived();
    flip(machine, path, 1041 + 500);
    const [series] = await read(machine.store);
    expectAsAppended(series);
    expect(series.timestamps.length).to.be.within(1, COUNT - 1);
    expect(series.timestamps[0]).to.equal(START_MS);
    expect(series.timestamps.at(-1)).to.equal(START_MS + COUNT - 1);
    expect(series.problems?.join()).to.match(/byte 1041: .*checksum/);
    await machine.store.close();
  });

  it('is named in the hint, so that reading from quarantine does not give its samples as sound', async () => {
    const { machine, path } = await archived();
    const { store } = machine;
    flip(machine, path, 1041 + 500);
    await read(store, { through: START_MS + 3 });
    await machine.pass(1000);
    const [listed] = await store.quarantined();
    expect(listed.reason).to.match(/damaged chunks: 1$/);
    const rest = await store.readQuarantined(listed.fingerprint);
    expectAsAppended(rest);
    expect(rest.timestamps.length).to.be.within(1, COUNT - 1);
    expect(rest.problems.join()).to.match(/byte 1041/);
    await store.close();
  });

  it('is found by check', async () => {
    const { machine, path } = await archived();
    await machine.store.close();
    const { checkDirectory } = await import('../../src/recovery/check.ts');
    const { fileSystem } = machine;
    const check = () =>
      checkDirectory('/store', { fileSystem, keyValueStores: machine.keyValueStores, pedantic: true });
    expect((await check()).problems).to.deep.equal([]);
    flip(machine, path, 1041 + 500);
    expect((await check()).problems.map(({ message }) => message).join()).to.match(/chunk 1 .*checksum/);
  });
});

describe('a damaged header of a chunk', () => {
  it('costs no samples, and the answer says so', async () => {
    const { machine, path } = await archived();
    flip(machine, path, 1041 + 9);
    const [series] = await read(machine.store);
    expectAsAppended(series);
    expect(series.timestamps).to.have.length(COUNT);
    expect(series.problems?.join()).to.match(/its samples are as they were written/);
    await machine.store.close();
  });

  it('hides no sample of a range that begins in the chunk', async () => {
    const { machine, path } = await archived();
    const whole = await read(machine.store, { from: START_MS + 100 });
    flip(machine, path, 9);
    flip(machine, path, 1041 + 1);
    const [series] = await read(machine.store, { from: START_MS + 100 });
    expect(series.timestamps).to.deep.equal(whole[0].timestamps);
    await machine.store.close();
  });
});
