import { expect } from 'chai';
import { pageModule } from './page-module.ts';

interface ViewModule {
  readonly readView: (params: URLSearchParams) => object;
  readonly addressOfView: (view: object) => string;
}

interface LinesModule {
  readonly linesOf: (file: Blob) => AsyncIterable<{
    readonly lines: readonly { text: string; number: number; start: number }[];
    readonly end: number;
  }>;
}

interface AxisModule {
  readonly axisText: (summary: object) => string;
}

describe('the address of Replay', () => {
  it('has all of the view, and what is not valid counts as absent', async () => {
    const { readView, addressOfView } = await pageModule<ViewModule>('pages/replay/replay-view.ts');
    const address =
      './replay?match=up%7Ba%3D%22%C3%A9%22%7D&types=seriesCreated%2CseriesPurged&start=1000&end=2000&position=5&event=2' +
      '&speed=x60&stopTypes=storeClosed&stopMatch=up&stopStates=archived%2Cpurged';
    const read = (text: string): object => readView(new URL(text, 'http://localhost').searchParams);
    expect(addressOfView(read(address))).to.equal(address);
    expect(addressOfView(read('./replay'))).to.equal('./replay');
    expect(addressOfView(read('./replay?position=-1&start=x&speed=fast&stopStates=gone&event=1'))).to.equal('./replay');
  });
});

describe('the lines of a file', () => {
  it('have their number and where they start, in bytes', async () => {
    const { linesOf } = await pageModule<LinesModule>('pages/replay/file-lines.ts');
    const text = `${'é'.repeat(100_000)}\n\nlast`;
    const found: { text: string; number: number; start: number }[] = [];
    let reached = 0;
    for await (const { lines, end } of linesOf(new Blob([text]))) {
      found.push(...lines);
      reached = end;
    }
    expect(found.map(({ number, start, text: { length } }) => [number, start, length])).to.deep.equal([
      [1, 0, 100_000],
      [2, 200_001, 0],
      [3, 200_002, 4],
    ]);
    expect(reached).to.equal(200_006);
  });
});

describe('the axis of Replay as text', () => {
  it('has the number of events, the range, the busiest time and the marks', async () => {
    const { axisText } = await pageModule<AxisModule>('pages/replay/time-axis.ts');
    const mark = (type: string): object => ({ type, time: 0, position: 1, place: 0 });
    const text = axisText({
      count: 1234,
      axis: { from: 0, through: 1000 },
      density: [4, 1230],
      marks: [mark('storeOpened'), mark('alertFired'), mark('alertFired')],
      checkpointsLeftOut: 500,
    });
    expect(text).to.match(/^1,234 events from .* to .*, most of them around .*\.500\. Marks: /);
    expect(text).to.match(/restart 1, checkpoint 500, alert fired 2\.$/);
    expect(axisText({ count: 0, density: [], marks: [], checkpointsLeftOut: 0 })).to.equal('');
  });
});
