/** heads.db of the original's format has no checksum; what a clean close left is compared when it is opened. */
import { expect } from 'chai';
import { openMachine, START_MS } from './support.ts';

const noise = (n: number): number => (Math.imul(n + 1, 2654435761) >>> 0) / 7;

describe('a heads.db that was closed in order', () => {
  it('and changed by a byte anywhere is never taken for whole', async () => {
    const machine = await openMachine({ retention: 'off' });
    for (let k = 0; k < 200; k++) machine.store.append({ __name__: 'm' }, START_MS + k * 1000, noise(k));
    let { store } = await machine.reopen({ retention: 'off' });
    expect((await store.info()).opened).to.equal('clean');
    for (const share of [0.3, 0.5, 0.8]) {
      await store.close();
      const { fileSystem } = machine;
      const bytes = fileSystem.content('/store/heads.db');
      bytes[Math.floor(bytes.length * share)] ^= 16;
      fileSystem.put('/store/heads.db', bytes);
      const told: string[] = [];
      const warn = (_: object, message: string): void => void told.push(message);
      const logger = { debug: () => {}, info: () => {}, warn, error: warn };
      ({ store } = await machine.reopen({ retention: 'off', logger }));
      expect((await store.info()).opened).to.equal('crashRecovery');
      expect(told).to.include('The checkpoint is damaged.');
    }
    await store.close();
    ({ store } = await machine.reopen({ retention: 'off' }));
    expect((await store.info()).opened, 'what recovery wrote').to.equal('clean');
    await store.close();
  });
});
