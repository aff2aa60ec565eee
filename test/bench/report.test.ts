import { expect } from 'chai';
import { withPeers, withSections } from './publish.ts';
import { original } from './reference.ts';
import { comparisonTable, firstStageTable, formatNumber, scaled, sizesTable, targetTable, verdicts } from './report.ts';
import { type BenchResult, FigureCollector } from './result.ts';

const collected = (): FigureCollector => {
  const collector = new FigureCollector();
  for (const handleNs of [300, 100, 200]) collector.add('ingest', { handleNs, residentMB: 200 }, { verified: 24e6 });
  return collector;
};

const result: BenchResult = {
  version: '0.1.0',
  date: '2026-01-31',
  machine: { node: 'v20.19.0', cpu: 'a processor', cores: 2, memoryGB: 24 },
  calibration: { factor: 0.5, pieces: [] },
  sizes: [
    {
      size: '100000x240',
      seriesCount: 100_000,
      rounds: 240,
      runs: 3,
      figures: collected().figures(),
      facts: collected().facts(),
    },
  ],
  failures: [],
};

describe('the report of the benchmark', () => {
  it('takes the median of the runs, and keeps the extremes', () => {
    expect(result.sizes[0].figures.handleNs).to.deep.equal({ median: 200, min: 100, max: 300 });
    expect(result.sizes[0].facts).to.deep.equal({ ingest: { verified: 24e6 } });
  });

  it('scales the times of others by the calibration, and leaves their sizes alone', () => {
    expect(scaled(original, '100000x240', 'handleNs', 0.5)).to.equal(1623 / 2);
    expect(scaled(original, '100000x240', 'residentMB', 0.5)).to.equal(477);
    expect(scaled(original, '5x5', 'handleNs', 0.5)).to.equal(undefined);
  });

  it('says of each target whether it was met, and of one without a figure that it was not', () => {
    const [byHandle] = verdicts(result);
    expect(byHandle).to.include({ figure: 'handleNs', target: 'at most 0.167 of Prometheus 1.8.2', met: false });
    expect(byHandle.reached).to.be.closeTo(200 / (1623 / 2), 1e-9);
    expect(verdicts(result).find(({ figure }) => figure === 'residentMB')?.met).to.equal(true);
    expect(verdicts(result).find(({ figure }) => figure === 'createUs')).to.include({ reached: undefined, met: false });
    expect(targetTable(result)).to.include('not measured');
  });

  it('writes tables with one row for each figure that was measured', () => {
    expect(comparisonTable(result, result.sizes[0]).split('\n')).to.have.length(2 + 2);
    expect(sizesTable(result)).to.include('| append by handle, ns/sample | 200 |');
  });

  it('writes ratios to another checkout, and whether a target is met', () => {
    const other = new FigureCollector();
    other.add('ingest', { handleNs: 250, residentMB: 250 }, {});
    const against = [{ ...result.sizes[0], figures: other.figures() }];
    const lines = firstStageTable({ ...result, against }).split('\n');
    expect(lines).to.deep.equal([
      '| figure | 100000x240 |',
      '| --- | --: |',
      '| append by handle, ns/sample | 0.8 (0.9, met) |',
      '| resident memory after the rounds, MB | 0.8 (0.65) |',
    ]);
    expect(firstStageTable(result)).to.equal('| figure |\n| --- |');
  });

  it('writes numbers with three digits that matter', () => {
    expect([0.12345, 12.345, 1234.5, 1234567].map(formatNumber)).to.deep.equal(['0.123', '12.3', '1,230', '1,230,000']);
  });

  it('renews the marked sections of a page and nothing else', () => {
    const page =
      'before\n<!-- bench:machine -->\nold\n<!-- /bench:machine -->\n<!-- bench:other -->x<!-- /bench:other -->\n';
    const renewed = withSections(page, result);
    expect(renewed).to.match(
      /^before\n<!-- bench:machine -->\nTidemark 0\.1\.0, 2026-01-31, .*\n<!-- \/bench:machine -->\n/,
    );
    expect(renewed).to.include('<!-- bench:other -->x<!-- /bench:other -->');
    expect(withSections(renewed, result)).to.equal(renewed);
  });

  it('renews the table of one size of the other databases', () => {
    const page = '<!-- peers:1x2 -->\n<!-- /peers:1x2 -->\n<!-- peers:1x24 -->\nold\n<!-- /peers:1x24 -->\n';
    expect(withPeers(page, '1x2', 'new')).to.equal(
      '<!-- peers:1x2 -->\nnew\n<!-- /peers:1x2 -->\n<!-- peers:1x24 -->\nold\n<!-- /peers:1x24 -->\n',
    );
  });
});
