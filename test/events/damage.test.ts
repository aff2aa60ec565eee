/**
 * A store whose journal is damaged opens, reports the damage with file and range, and has lost exactly that range. This
 * tests the table "Damage" of docs/formats/journal.md on the whole store.
 */
import { copyFileSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import type { Store } from '../../src/index.ts';
import { describeFinding } from '../../src/journal/read/journal-findings.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';
import { crashImage, openListening, segmentsOf, valuesOf } from './crash-image.ts';

const BASE = 1_700_000_000_000;
const IDS = ['a', 'b', 'c'];

/** Appends one sample to each series and flushes. Returns the journal's end before and after. */
const round = async (store: Store, k: number): Promise<{ from: number; to: number }> => {
  const { end: from } = (await store.info()).journal;
  for (const id of IDS) store.append({ __name__: 'm', id }, BASE + k, k);
  await store.flush();
  return { from, to: (await store.info()).journal.end };
};

const everyId = (values: number[]): Record<string, number[]> => ({ a: values, b: values, c: values });

/** Runs sessions that each crash after one round. Returns the directory as the last crash left it. */
const crashedSessions = async (count: number): Promise<string> => {
  let directory = join(temporaryDirectory(), 'data');
  for (let session = 0; session < count; session++) {
    const { store } = await openListening(directory);
    await round(store, session);
    const image = crashImage(directory);
    await store.close();
    directory = image;
  }
  return directory;
};

describe('a damaged journal', () => {
  afterEach(removeTemporaryDirectories);

  it('with a torn tail loses the unfinished record, and keeps everything before it', async () => {
    const directory = join(temporaryDirectory(), 'data');
    const { store } = await openListening(directory);
    await round(store, 0);
    await round(store, 1);
    const image = crashImage(directory);
    await store.close();
    const [segment] = segmentsOf(image);
    truncateSync(segment.path, segment.bytes - 1);
    const { store: next, said } = await openListening(image);
    expect(said.filter((line) => line.includes('are an unfinished record'))).to.have.lengthOf(1);
    expect((await next.info()).opened).to.equal('journal');
    expect(await valuesOf(next, 'm')).to.deep.equal(everyId([0]));
    // Samples of the lost record can be appended again.
    await round(next, 1);
    expect(await valuesOf(next, 'm')).to.deep.equal(everyId([0, 1]));
    await next.close();
  });

  it('with a bad record in the middle loses it, and reports the exact range, also to subscribers', async () => {
    const directory = join(temporaryDirectory(), 'data');
    const { store } = await openListening(directory);
    await store.subscribe('mirror', { from: 'start' }).close();
    await round(store, 0);
    const { from, to } = await round(store, 1);
    await round(store, 2);
    const image = crashImage(directory);
    await store.close();
    const [segment] = segmentsOf(image);
    const bytes = readFileSync(segment.path);
    bytes[48 + to - segment.start - 1] ^= 0xff;
    writeFileSync(segment.path, bytes);
    const { store: next, said } = await openListening(image);
    expect(said.filter((line) => line.includes(`positions ${from} to ${to} are lost`))).to.have.lengthOf(1);
    expect(await valuesOf(next, 'm')).to.deep.equal(everyId([0, 2]));
    for await (const batch of next.subscribe('mirror')) {
      if (batch.lost === undefined) continue;
      expect(batch.lost).to.deep.equal({ from, to });
      break;
    }
    await next.close();
  });

  it('without one of its segments loses only that segment, and reports the missing positions', async () => {
    const directory = await crashedSessions(3);
    const [, second, third] = segmentsOf(directory);
    rmSync(second.path);
    const { store, said } = await openListening(directory);
    const lost = describeFinding({ kind: 'missingSegment', from: second.start, to: second.start + second.bytes - 48 });
    expect(said).to.include(`warn ${lost}`);
    expect(third.start).to.be.at.least(second.start + second.bytes - 48);
    expect(await valuesOf(store, 'm')).to.deep.equal(everyId([0, 2]));
    await store.close();
  });

  it('without its first segment leads to the full recovery', async () => {
    const directory = await crashedSessions(3);
    rmSync(segmentsOf(directory)[0].path);
    const { store, said } = await openListening(directory);
    expect((await store.info()).opened).to.equal('crashRecovery');
    expect(said.join('\n')).to.contain("the journal's beginning is missing");
    await store.close();
  });

  it('without any segment after a checkpoint leads to the full recovery, which uses the checkpoint', async () => {
    const directory = join(temporaryDirectory(), 'data');
    const { store } = await openListening(directory, { headChunkTimeout: 1 });
    await round(store, 0);
    await store.maintain();
    await round(store, 1);
    await store.checkpoint();
    await round(store, 2);
    const image = crashImage(directory);
    await store.close();
    for (const { path } of segmentsOf(image)) rmSync(path);
    const { store: next, said } = await openListening(image);
    expect((await next.info()).opened).to.equal('crashRecovery');
    expect(said.join('\n')).to.contain('the journal of the last checkpoint is missing');
    expect(await valuesOf(next, 'm')).to.deep.equal(everyId([0, 1]));
    await next.close();
  });

  it('with a copy of a segment is read as if the copy did not exist', async () => {
    const directory = await crashedSessions(2);
    const [first] = segmentsOf(directory);
    copyFileSync(first.path, join(dirname(first.path), 'copy.journal'));
    const { store, said } = await openListening(directory);
    expect(said.filter((line) => line.includes('are in a later segment too and read there'))).to.have.lengthOf(1);
    expect(await valuesOf(store, 'm')).to.deep.equal(everyId([0, 1]));
    await store.close();
  });

  it('with an empty segment loses only the empty file', async () => {
    const directory = await crashedSessions(2);
    const empty = join(directory, 'journal', '0000000000ffffff.journal');
    writeFileSync(empty, '');
    const { store, said } = await openListening(directory);
    expect(said.filter((line) => line.includes('it holds nothing'))).to.have.lengthOf(1);
    expect(segmentsOf(directory).filter(({ bytes }) => bytes === 0)).to.deep.equal([]);
    expect(await valuesOf(store, 'm')).to.deep.equal(everyId([0, 1]));
    await store.close();
  });

  it('that lost the record of changed series files loses no sample: files are found by size and time', async () => {
    const directory = join(temporaryDirectory(), 'data');
    const { store } = await openListening(directory, { headChunkTimeout: 1 });
    await round(store, 0);
    await store.checkpoint();
    const { end: from } = (await store.info()).journal;
    await store.maintain();
    await store.flush();
    const { end: to } = (await store.info()).journal;
    await round(store, 1);
    const image = crashImage(directory);
    await store.close();
    const segment = segmentsOf(image).at(-1);
    if (segment === undefined) throw new Error('no segment');
    const file = openSync(segment.path, 'r+');
    writeSync(file, Buffer.alloc(to - from), 0, to - from, 48 + from - segment.start);
    const { store: next, said } = await openListening(image, { headChunkTimeout: 1 });
    expect(said.join('\n')).to.contain(`positions ${from} to ${to} are lost`);
    expect(await valuesOf(next, 'm')).to.deep.equal(everyId([0, 1]));
    await next.maintain();
    expect(await valuesOf(next, 'm')).to.deep.equal(everyId([0, 1]));
    expect(await next.quarantined()).to.deep.equal([]);
    await next.close();
  });
});
