import { expect } from 'chai';
import { World } from '../simulation/world.ts';
import { codeOf } from '../store/support.ts';
import { boot, directory, succeed } from './crash-world.ts';

const BASE = 1_700_000_000_000;
const labels = (id: string) => ({ __name__: 'x', id });

describe('a sample that is refused', () => {
  it('through a handle neither creates nor wakes its series', async () => {
    const world = new World({ seed: 1, directory, mischief: 0 });
    const store = await boot(world, { headChunkTimeout: 1 });
    store.append(labels('archived'), BASE, 1);
    for (let visit = 0; visit < 2; visit++) await succeed(world, () => store.maintain());
    for (const [id, state] of [
      ['new', 'absent'],
      ['archived', 'archived'],
    ] as const) {
      const handle = store.series(labels(id));
      expect(await codeOf(() => handle.append(0.5, 1))).to.equal('TIDEMARK_INVALID_TIMESTAMP');
      expect(await codeOf(() => handle.appendBits(0.5, 0, 1))).to.equal('TIDEMARK_INVALID_TIMESTAMP');
      expect(await codeOf(() => handle.appendStale(Number.NaN))).to.equal('TIDEMARK_INVALID_TIMESTAMP');
      expect(await codeOf(() => handle.append(BASE + 1, '1' as never))).to.equal('TIDEMARK_INVALID_VALUE');
      expect(handle.state).to.equal(state);
    }
    await succeed(world, () => store.close());
  });
});
