/** Which disk is measured: that of the store's directory, also before there is one. */
import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readHostSamples } from '../../../src/cli/host/host-metrics.ts';

/** File systems of which each Linux has one that is another than that of the working directory. */
const elsewhere = ['/dev/shm', '/run', '/tmp', '/proc'].find((path) => {
  try {
    return statfsSync(path).type !== statfsSync('.').type;
  } catch {
    return false;
  }
});

describe("the host's metrics", () => {
  it("measure the disk of the store's directory, though it does not exist yet", async function () {
    if (elsewhere === undefined) return this.skip();
    const { blocks, bsize } = statfsSync(elsewhere);
    for (const directory of [elsewhere, join(elsewhere, 'no-such-directory', 'store')]) {
      const samples = await readHostSamples(directory, 0);
      const size = samples.find(({ name }) => name === 'node_filesystem_size_bytes');
      expect(size).to.deep.equal({
        name: 'node_filesystem_size_bytes',
        labels: { mountpoint: directory },
        value: blocks * bsize,
      });
    }
  });
});
