import { expect } from 'chai';
import type { FoundSeries } from '../../src/query/find-series.ts';
import { type BatchReader, ReadAhead } from '../../src/query/read-ahead.ts';

describe('ReadAhead', () => {
  const range = { from: 0, through: 1 };
  const found = Array.from(
    { length: 3000 },
    (_, i): FoundSeries => ({ high: 0, low: i, pairs: ['i', `${i}`], row: i }),
  );

  /** A reader whose batches are answered up to `most` series. Series with odd numbers need their files. */
  const readerFor = (most: number): { reader: BatchReader; batches: number[][] } => {
    const batches: number[][] = [];
    const reader: BatchReader = {
      needsFile: ({ low }) => low % 2 === 1,
      readBatch: async (batch) => {
        batches.push(batch.map(({ low }) => low));
        return batch.slice(0, most).map(({ low }) => {
          return { timestamps: Float64Array.of(low), values: Float64Array.of(0) };
        });
      },
    };
    return { reader, batches };
  };

  /** The series whose answers were read, in their order. */
  const readAll = async (reader: BatchReader, breathe = async (): Promise<void> => {}): Promise<number[]> => {
    const ahead = new ReadAhead(reader, found, range, breathe);
    const answered: number[] = [];
    for (let i = 1; i < found.length; i += 2) answered.push((ahead.take(i) ?? (await ahead.read(i))).timestamps[0]);
    return answered;
  };
  const odd = found.map(({ low }) => low).filter((low) => low % 2 === 1);

  it('reads series with files in few batches and passes over those between them', async () => {
    const { reader, batches } = readerFor(256);
    expect(await readAll(reader)).to.deep.equal(odd);
    expect(batches.flat()).to.deep.equal(odd);
    expect(batches.length).to.equal(Math.ceil(odd.length / 256));
  });

  it('pauses while it looks ahead, and reads nothing when the pause says that nobody waits any more', async () => {
    const { reader, batches } = readerFor(256);
    let pauses = 0;
    const stopped = readAll(reader, async () => {
      if (++pauses === 12) throw new Error('aborted');
    });
    expect(await stopped.catch((error: Error) => error.message)).to.equal('aborted');
    expect(batches.length, 'a batch of 256 looks at 512 series, with a pause after 64').to.equal(1);
  });

  it('reads no series twice for its answer, and asks for fewer when a batch was answered in part', async () => {
    const { reader, batches } = readerFor(10);
    expect(await readAll(reader)).to.deep.equal(odd);
    expect(batches[0].length).to.equal(256);
    expect(Math.max(...batches.slice(1).map((batch) => batch.length))).to.be.at.most(20);
  });
});
