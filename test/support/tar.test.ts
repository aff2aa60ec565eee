import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { extractFixture } from './tar.ts';

describe('extractFixture', () => {
  it('restores contents, modes and modification times', () => {
    const { directory, remove } = extractFixture('base');
    try {
      expect(readFileSync(join(directory, 'VERSION'), 'utf8')).to.equal('1\n');
      const series = statSync(join(directory, '35', '553c6efe7638a2.db'), { bigint: true });
      expect(series.size).to.equal(3123n);
      expect(series.mtimeNs).to.equal(1735700070000000000n);
      expect(Number(series.mode) & 0o777).to.equal(0o640);
      expect(Number(statSync(join(directory, '35')).mode) & 0o777).to.equal(0o700);
    } finally {
      remove();
    }
  });
});
