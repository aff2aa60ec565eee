import { expect } from 'chai';
import { type MinuteFigures, steadyTable } from './steady-table.ts';

const run = (served: readonly number[]): MinuteFigures[] =>
  served.map((servedMB, index) => ({
    minute: index + 1,
    servedMB,
    forwardingMB: 200 - index,
    forwarded: 600_000 * (index + 1),
    waiting: 1810,
    secondsLate: 0.012,
  }));

describe('the table of the benchmark at a steady rate', () => {
  it('has a row for each minute, and the growth over the last five', () => {
    const lines = steadyTable(run([100, 150, 180, 190, 195, 198, 199.5])).split('\n');
    expect(lines).to.have.length(2 + 7 + 1);
    expect(lines[2]).to.equal('| 1 | 100 | 200 | 600,000 | 1,810 | 0.012 |');
    expect(lines.at(-1)).to.equal('| growth from minute 2 to 7 | +49.5 | -5.0 |  |  |  |');
  });

  it('has the growth since the first minute if the run was shorter', () => {
    expect(
      steadyTable(run([100, 150.25]))
        .split('\n')
        .at(-1),
    ).to.equal('| growth from minute 1 to 2 | +50.3 | -1.0 |  |  |  |');
  });

  it('has no growth after one minute', () => {
    expect(steadyTable(run([100])).split('\n')).to.have.length(2 + 1);
  });
});
