/** Quarantine as a state: isolated with its reason, listed, readable; what was acknowledged since is kept. */
import { expect } from 'chai';
import { DamageReports } from '../../src/store/damage-reports.ts';
import { codeOf, type Machine, metricOf, openMachine, START_MS, samplesOf } from './support.ts';

const noise = (n: number): number => (Math.imul(n + 1, 2654435761) >>> 0) / 7;
const seriesFiles = ({ fileSystem }: Machine): string[] =>
  fileSystem.paths().filter((path) => /^\/store\/[0-9a-f]{2}\/[0-9a-f]{14}\.db$/.test(path));

/** Breaks the encoding byte of the second chunk. */
const damage = ({ fileSystem }: Machine, path: string): void => {
  const bytes = fileSystem.content(path);
  bytes[1041] = 9;
  fileSystem.put(path, bytes);
};

describe('a series file that nothing names', () => {
  it('is in quarantine for good once recovery is done, also where a directory could not be synced at once', async () => {
    const machine = await openMachine({ retention: 'off' });
    const { fileSystem } = machine;
    fileSystem.put('/store/25/94aa1de82dbd87.db', new Uint8Array(1041));
    let isFailing = false;
    fileSystem.onCall = (operation, path) => {
      if (operation === 'rename' && path === '/store/25/94aa1de82dbd87.db') isFailing = true;
      if (operation !== 'syncDirectory' || path !== '/store/orphaned/25' || !isFailing) return;
      isFailing = false;
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    const { store } = await machine.reopen({ retention: 'off', forceRecovery: true });
    expect((await store.quarantined()).map(({ file }) => file)).to.deep.equal(['orphaned/25/94aa1de82dbd87.db']);
    const left = fileSystem.afterPowerLoss().paths();
    expect(left).to.include('/store/orphaned/25/94aa1de82dbd87.db');
    expect(left).not.to.include('/store/25/94aa1de82dbd87.db');
    await store.close();
  });
});

describe('a damaged series file', () => {
  const persisted = async (count: number): Promise<Machine> => {
    const machine = await openMachine({ retention: 'off', headChunkTimeout: '1m' });
    for (let k = 0; k < 500; k++) {
      for (let i = 0; i < count; i++)
        machine.store.append({ __name__: 'm', id: String(i) }, START_MS + k, noise(k * count + i));
    }
    await machine.pass(90_000, 1000);
    await machine.store.maintain();
    await machine.store.maintain();
    return machine;
  };

  it('found by a query is isolated with its reason and labels, listed, and readable where it can be read', async () => {
    const machine = await persisted(1);
    const { store, pass, events } = machine;
    damage(machine, seriesFiles(machine)[0]);
    await samplesOf(store, 'm');
    await pass(1000);
    const [listed] = await store.quarantined();
    expect(listed.labels).to.deep.equal({ __name__: 'm', id: '0' });
    expect(listed.reason).to.match(/encoding/);
    const read = await store.readQuarantined(listed.fingerprint);
    expect(read.timestamps.length).to.be.within(1, 499);
    expect(read.problems).to.have.length.greaterThan(0);
    expect(events.filter(({ type }) => type === 'seriesQuarantined')).to.have.length(1);
    expect(await metricOf(store, 'tidemark_quarantined_series')).to.equal(1);
    expect(await store.labelValues('id')).to.deep.equal([]);
    await store.close();
  });

  for (const state of ['archived', 'inMemory'] as const)
    it(`found by several who come at a time is isolated once: ${state}`, async () => {
      const machine = await persisted(1);
      const { store, pass, events, fileSystem } = machine;
      if (state === 'inMemory') store.append({ __name__: 'm', id: '0' }, START_MS + 100_000, 7);
      expect(store.stateCounts()[state]).to.equal(1);
      damage(machine, seriesFiles(machine)[0]);
      await Promise.all([samplesOf(store, 'm'), samplesOf(store, 'm'), samplesOf(store, 'm')]);
      await pass(1000);
      expect(events.filter(({ type }) => type === 'seriesQuarantined')).to.have.length(1);
      expect(fileSystem.paths().filter((path) => path.startsWith('/store/orphaned/'))).to.have.length(2);
      expect((await samplesOf(store, 'm')).size).to.equal(state === 'inMemory' ? 1 : 0);
      await store.close();
    });

  it('gives way to a new series of the same labels with the next sample', async () => {
    const machine = await persisted(1);
    const { store, pass } = machine;
    damage(machine, seriesFiles(machine)[0]);
    await samplesOf(store, 'm');
    await pass(1000);
    store.append({ __name__: 'm', id: '0' }, START_MS + 100_000, 7);
    expect(await samplesOf(store, 'm')).to.deep.equal(new Map([[`0@${START_MS + 100_000}`, 7]]));
    const reopened = await machine.reopen();
    expect((await samplesOf(reopened.store, 'm')).size).to.equal(1);
    expect(await reopened.store.quarantined()).to.have.length(1);
    expect(await metricOf(reopened.store, 'tidemark_quarantined_series')).to.equal(1);
    await reopened.store.close();
  });

  it('gives way to a new series also for a sample that comes while it is being moved, which every query finds', async () => {
    const machine = await persisted(1);
    const { store, pass, fileSystem } = machine;
    damage(machine, seriesFiles(machine)[0]);
    let isAppended = false;
    fileSystem.onCall = (operation, path) => {
      if (operation !== 'rename' || !path.endsWith('.db') || isAppended) return;
      isAppended = true;
      store.append({ __name__: 'm', id: '0' }, START_MS + 100_000, 7);
    };
    await samplesOf(store, 'm');
    await pass(1000);
    expect(isAppended).to.equal(true);
    const found = new Map([[`0@${START_MS + 100_000}`, 7]]);
    expect(await samplesOf(store, '{id="0"}')).to.deep.equal(found);
    expect(await store.quarantined()).to.have.length(1);
    const reopened = await machine.reopen();
    expect(await samplesOf(reopened.store, '{id="0"}')).to.deep.equal(found);
    expect(await reopened.store.labelValues('id')).to.deep.equal(['0']);
    await reopened.store.close();
  });

  it('does not take along the samples that are only in memory', async () => {
    const machine = await persisted(1);
    const { store, pass } = machine;
    for (let k = 0; k < 300; k++) store.append({ __name__: 'm', id: '0' }, START_MS + 100_000 + k, k);
    damage(machine, seriesFiles(machine)[0]);
    await samplesOf(store, 'm');
    await pass(1000);
    expect(await store.quarantined()).to.have.length(1);
    expect((await samplesOf(store, 'm')).size).to.equal(300);
    await store.close();
  });

  it('found when chunks are to be appended is isolated, too, and nothing that waited is lost', async () => {
    const machine = await persisted(1);
    const { store, pass, fileSystem } = machine;
    const [path] = seriesFiles(machine);
    for (let k = 0; k < 300; k++) store.append({ __name__: 'm', id: '0' }, START_MS + 100_000 + k, noise(k));
    fileSystem.put(path, fileSystem.content(path).subarray(0, 1500));
    await pass(120_000, 1000);
    await store.maintain();
    await store.maintain();
    expect(await store.quarantined()).to.have.length(1);
    expect((await samplesOf(store, 'm')).size).to.equal(300);
    await store.close();
  });

  describe('that can not be moved, and into which a backfill goes', () => {
    const columns = { labels: { __name__: 'm', id: '0' }, timestamps: [START_MS - 1000], values: [7] };

    /** The disk refuses to move the file so many times. */
    const unmoved = async (refusals: number, code: string): Promise<Machine> => {
      const machine = await persisted(1);
      let left = refusals;
      machine.fileSystem.onCall = (operation, path) => {
        if (operation !== 'rename' || !path.endsWith('.db') || left-- <= 0) return;
        throw Object.assign(new Error(code), { code });
      };
      damage(machine, seriesFiles(machine)[0]);
      await samplesOf(machine.store, 'm');
      return machine;
    };

    it('is moved by another attempt, and the backfill goes on', async () => {
      const machine = await unmoved(1, 'EIO');
      const { store } = machine;
      await machine.pass(3000, 500);
      const { accepted } = await store.backfill(columns);
      expect(accepted).to.equal(1);
      expect(await samplesOf(store, 'm')).to.deep.equal(new Map([[`0@${START_MS - 1000}`, 7]]));
      expect(await store.quarantined()).to.have.length(1);
      await store.close();
    });

    it('is told to the caller as what hinders it', async () => {
      const machine = await unmoved(Number.POSITIVE_INFINITY, 'EPERM');
      const { store, pass, fileSystem } = machine;
      await pass(60_000, 1000);
      const error = await store.backfill(columns).catch((reason: unknown) => reason);
      expect(error).to.have.property('code', 'TIDEMARK_IO');
      fileSystem.onCall = () => {};
      await pass(60_000, 1000);
      expect((await store.backfill(columns)).accepted).to.equal(1);
      await store.close();
    });
  });

  it('may be one of many: all are isolated, none is forgotten', async () => {
    const machine = await persisted(300);
    const { store, pass } = machine;
    for (const path of seriesFiles(machine)) damage(machine, path);
    await samplesOf(store, 'm');
    await pass(5000);
    expect(await store.quarantined()).to.have.length(300);
    expect(store.stateCounts()).to.deep.equal({ inMemory: 0, persisting: 0, archived: 0, quarantined: 300 });
    expect(await codeOf(() => store.close())).to.equal(undefined);
  });
});

describe('DamageReports', () => {
  it('passes on one report of each series, as room is found, and goes on after an error', async () => {
    const passed: string[] = [];
    const errors: unknown[] = [];
    let rooms = 0;
    const reports = new DamageReports({
      room: async () => {
        rooms++;
      },
      pass: ({ low, reason }) => {
        if (low === 2) throw new Error('broken');
        passed.push(`${low} ${reason}`);
      },
      onError: (error) => errors.push(error),
    });
    for (const low of [1, 2, 1, 3]) reports.add({ high: 0, low, reason: 'torn' });
    expect(reports.waiting).to.equal(3);
    await reports.idle();
    expect({ passed, rooms, errors: errors.length }).to.deep.equal({
      passed: ['1 torn', '3 torn'],
      rooms: 3,
      errors: 1,
    });
    reports.add({ high: 0, low: 4, reason: 'torn' });
    await reports.idle();
    expect(passed).to.include('4 torn');
  });
});
