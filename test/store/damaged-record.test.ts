/** A damaged record of heads.db costs its own series alone, and that is said. */
import { expect } from 'chai';
import type { SeriesSamples, Store } from '../../src/index.ts';
import { checkDirectory } from '../../src/recovery/check.ts';
import { type Machine, openMachine, START_MS } from './support.ts';

const SERIES = 12;
const COUNT = 60;
const HEADS = '/store/heads.db';
const SUMS = '/store/checksums/heads';
const RETENTION = { retention: 'off' } as const;

const sampleOf = (series: number, k: number): number => (Math.imul(series * 1000 + k + 1, 2654435761) >>> 0) / 7;

const filled = async (): Promise<Machine> => {
  const machine = await openMachine(RETENTION);
  for (let series = 0; series < SERIES; series++) {
    const labels = { __name__: 'm', id: `${series}`.padStart(2, '0') };
    for (let k = 0; k < COUNT; k++) machine.store.append(labels, START_MS + k * 1000, sampleOf(series, k));
  }
  return machine;
};

/** Where the record of a series begins, and where its chunk's bytes are. */
const recordOf = ({ fileSystem }: Machine, series: number): { start: number; chunk: number } => {
  const at = Buffer.from(fileSystem.content(HEADS)).indexOf(`id`.concat(`\x04${`${series}`.padStart(2, '0')}`));
  expect(at, 'the record').to.be.above(0);
  return { start: at - 14, chunk: at + 200 };
};

const change = ({ fileSystem }: Machine, edit: (bytes: Buffer) => Uint8Array | undefined): void => {
  const bytes = Buffer.from(fileSystem.content(HEADS));
  fileSystem.put(HEADS, edit(bytes) ?? bytes);
};

const flip = (bytes: Buffer, offset: number, mask: number): undefined => {
  bytes[offset] ^= mask;
};

const read = async (store: Store): Promise<Map<string, SeriesSamples>> => {
  const found = new Map<string, SeriesSamples>();
  for await (const series of store.select('m')) found.set(series.labels['id'] ?? '', series);
  return found;
};

const expectOthers = async (store: Store, damaged: readonly number[]): Promise<void> => {
  const found = await read(store);
  for (let series = 0; series < SERIES; series++) {
    const id = `${series}`.padStart(2, '0');
    if (damaged.includes(series)) expect(found.has(id), `series ${id} has nothing but damaged samples`).to.equal(false);
    else {
      const values = Array.from(found.get(id)?.values ?? []);
      expect(values, id).to.deep.equal(Array.from({ length: COUNT }, (_, k) => sampleOf(series, k)));
    }
  }
};

const damages: readonly [string, (bytes: Buffer, at: { start: number; chunk: number }) => Uint8Array | undefined][] = [
  ['a flipped bit in a chunk', (bytes, { chunk }) => flip(bytes, chunk, 16)],
  ['a flipped bit in the labels', (bytes, { start }) => flip(bytes, start + 16, 1)],
  ['zeroed bytes', (bytes, { chunk }) => void bytes.fill(0, chunk, chunk + 100)],
  ['bytes taken out', (bytes, { chunk }) => Buffer.concat([bytes.subarray(0, chunk), bytes.subarray(chunk + 77)])],
  ['bytes put in', (bytes, { chunk }) => Buffer.concat([bytes.subarray(0, chunk), bytes.subarray(chunk - 50)])],
];

describe('a damaged record of heads.db', () => {
  for (const [what, edit] of damages) {
    it(`costs its series alone after a clean close: ${what}`, async () => {
      const machine = await filled();
      await machine.store.close();
      change(machine, (bytes) => edit(bytes, recordOf(machine, 5)));
      const { store } = await machine.reopen(RETENTION);
      await expectOthers(store, [5]);
      const listed = await store.quarantined();
      expect(listed.map(({ reason }) => reason).join()).to.match(/record \d+ of heads\.db.*not as it was written/);
      await store.close();
    });
  }

  it('of a running store costs what the checkpoint alone had', async () => {
    const machine = await filled();
    await machine.store.checkpoint();
    machine.store.append({ __name__: 'm', id: '04' }, START_MS + 100_000, 7);
    machine.store.append({ __name__: 'm', id: '05' }, START_MS + 100_000, 7);
    await machine.store.flush();
    const fileSystem = machine.fileSystem.afterKill();
    await machine.store.close();
    const killed = { ...machine, fileSystem };
    change(killed, (bytes) => flip(bytes, recordOf(killed, 4).chunk, 4));
    const { store } = await openMachine(RETENTION, fileSystem);
    expect((await store.info()).opened).to.equal('crashRecovery');
    const found = await read(store);
    expect(Array.from(found.get('04')?.values ?? []), 'what the journal has').to.deep.equal([7]);
    expect(found.get('05')?.values.length).to.equal(COUNT + 1);
    for (const id of ['00', '03', '06', '11']) expect(found.get(id)?.values.length, id).to.equal(COUNT);
    await store.close();
  });

  it('is kept in quarantine, where none of its samples is given as sound', async () => {
    const machine = await filled();
    await machine.store.close();
    change(machine, (bytes) => flip(bytes, recordOf(machine, 3).chunk, 4));
    const { store } = await machine.reopen(RETENTION);
    const [listed] = await store.quarantined();
    expect(listed.labels).to.deep.equal({ __name__: 'm', id: '03' });
    const rest = await store.readQuarantined(listed.fingerprint);
    expect(rest.timestamps.length).to.equal(0);
    expect(rest.problems.join()).to.match(/not as it was written/);
    await store.close();
    const again = await machine.reopen(RETENTION);
    expect((await again.store.info()).opened, 'what recovery left').to.equal('clean');
    await expectOthers(again.store, [3]);
    await again.store.close();
  });

  it('takes new samples of its series', async () => {
    const machine = await filled();
    await machine.store.close();
    change(machine, (bytes) => flip(bytes, recordOf(machine, 3).chunk, 4));
    const { store } = await machine.reopen(RETENTION);
    store.append({ __name__: 'm', id: '03' }, START_MS + 100_000, 1);
    expect(Array.from((await read(store)).get('03')?.values ?? [])).to.deep.equal([1]);
    await store.close();
  });

  it('is named by check', async () => {
    const machine = await filled();
    await machine.store.close();
    const { fileSystem, keyValueStores } = machine;
    const check = async (): Promise<readonly string[]> =>
      (await checkDirectory('/store', { fileSystem, keyValueStores })).problems.map(({ message }) => message);
    expect(await check()).to.deep.equal([]);
    change(machine, (bytes) => flip(bytes, recordOf(machine, 7).chunk, 4));
    expect((await check()).join('\n')).to.match(/id="07".*record \d+ of heads\.db.*not as it was written/);
  });
});

describe('checksums of heads.db', () => {
  it('of another heads.db make no record damaged', async () => {
    const machine = await filled();
    await machine.store.close();
    const earlier = machine.fileSystem.content(SUMS);
    const second = await machine.reopen(RETENTION);
    for (let k = 0; k < 5; k++) second.store.append({ __name__: 'm', id: '00' }, START_MS + 100_000 + k, k);
    await second.store.close();
    machine.fileSystem.put(SUMS, earlier);
    change(machine, (bytes) => flip(bytes, recordOf(machine, 3).chunk, 4));
    const { store } = await machine.reopen(RETENTION);
    expect((await store.info()).opened).to.equal('crashRecovery');
    expect(await store.quarantined()).to.deep.equal([]);
    await store.close();
  });

  it('that are damaged themselves, cut short or missing count for nothing', async () => {
    const edits: readonly ((bytes: Uint8Array) => Uint8Array)[] = [
      (bytes) => bytes.map((byte, i) => (i === 40 ? byte ^ 1 : byte)),
      (bytes) => bytes.subarray(0, 30),
      (bytes) => bytes.subarray(0, bytes.length - 1),
      () => new Uint8Array(0),
    ];
    for (const edit of edits) {
      const machine = await filled();
      await machine.store.close();
      machine.fileSystem.put(SUMS, edit(machine.fileSystem.content(SUMS)));
      const { store } = await machine.reopen(RETENTION);
      expect((await store.info()).opened).to.equal('clean');
      await expectOthers(store, []);
      await store.close();
    }
  });
});
