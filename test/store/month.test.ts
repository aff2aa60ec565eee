/** A month in small; `npm run month` runs the large one and draws docs/images/month.svg. */
import { expect } from 'chai';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';
import { runMonth } from './month/month.ts';

describe('a simulated week with two days of retention', () => {
  after(removeTemporaryDirectories);

  it('keeps memory, disk, files and descriptors bounded, and every sample within retention', async () => {
    const memoryTarget = 4 * 1024 * 1024;
    const { days, compared } = await runMonth({
      directory: `${temporaryDirectory()}/store`,
      seriesCount: 150,
      days: 7,
      retentionDays: 2,
      churnPerDay: 0.05,
      memoryTarget,
      stepMs: 60_000,
    });
    expect(compared).to.be.within(150 * 575, 150 * 577);
    for (const { memoryBytes, descriptors, seriesFiles } of days) {
      expect(memoryBytes).to.be.at.most(memoryTarget);
      expect(descriptors - days[0].descriptors).to.be.at.most(20);
      expect(seriesFiles).to.be.at.most(200);
    }
    const [third, last] = [days[2], days[6]];
    expect(last.inMemory + last.archived).to.be.at.most((third.inMemory + third.archived) * 1.2);
    expect(last.seriesBytes).to.be.at.most(third.seriesBytes * 1.6);
  }).timeout(120_000);
});
