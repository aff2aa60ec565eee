/**
 * Damage in the journal that an opening for writing has dealt with: told once, with what is lost, and no problem of a check
 * any more, though the damaged bytes are still there. New damage beside it is one.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect } from 'chai';
import type { Library } from '../../src/cli/library.ts';
import * as tidemark from '../../src/index.ts';
import { checkDirectory, openStore, readEvents, type Store } from '../../src/index.ts';
import type { Logger } from '../../src/ports/logger.ts';
import { runInProcess } from '../cli/run-in-process.ts';

const TIME = 1_700_000_000_000;
const HEADER_BYTES = 48;

describe('damage in the journal that was dealt with', () => {
  let parent: string;
  let crashed: string;

  before(async function () {
    this.timeout(60_000);
    parent = mkdtempSync(join(tmpdir(), 'tidemark-settled-'));
    crashed = join(parent, 'crashed');
    const live = join(parent, 'live');
    const store = await openStore(live, { retention: 'off', checkpointInterval: '1h' });
    // Keeps all segments: nobody reads on.
    await store.subscribe('reader', { from: 'end' }).close();
    for (let k = 0; k < 50; k++) {
      for (let i = 0; i < 20; i++) store.append({ __name__: 'load', i: String(i) }, TIME + k * 1000, Math.sin(k * i));
      await store.flush();
    }
    // As a kill leaves it. Without LOCK: closing any descriptor of it would free the lock.
    cpSync(live, crashed, { recursive: true, filter: (path) => basename(path) !== 'LOCK' });
    await store.close();
  });

  after(() => rmSync(parent, { recursive: true, force: true }));

  const damaged = (name: string, damage: (segment: string) => void): string => {
    const directory = join(parent, name);
    cpSync(crashed, directory, { recursive: true });
    damage(segmentsOf(directory)[0]);
    return directory;
  };

  const problemsOf = async (directory: string): Promise<string[]> =>
    (await checkDirectory(directory)).problems.map(({ message }) => message);

  it('is told by the opening that meets it, not by those after it, and checks call it dealt with', async () => {
    const directory = damaged('told-once', (segment) => flip(segment, 2000));
    expect(await problemsOf(directory)).to.have.length(1);
    const first = await session(directory);
    expect(first.warnings.join()).to.match(/no valid record at offset/);
    const second = await session(directory);
    expect(second.warnings).to.deep.equal([]);
    const report = await checkDirectory(directory);
    expect(report.problems).to.deep.equal([]);
    expect(report.settled?.map(({ message }) => message).join()).to.match(/no valid record at offset/);
    const { exitCode, err } = await runInProcess(['check', directory], { library: tidemark as unknown as Library });
    expect(exitCode).to.equal(0);
    expect(err).to.match(/already handled/i);
  });

  it('keeps the sound records around it for readers, who are told what is lost to them', async () => {
    const directory = damaged('readers', (segment) => flip(segment, 2000));
    await session(directory);
    const problems: string[] = [];
    let samples = 0;
    for await (const event of readEvents(directory, { onProblem: (problem) => problems.push(problem) }))
      if (event.type === 'samplesAppended') samples += event.timestamps.length;
    expect(samples).to.be.greaterThan(500).and.lessThan(1000);
    expect(problems.join()).to.match(/are lost/);
  });

  it('is found by an opening that does not need the segment', async () => {
    const directory = damaged('unneeded', () => {});
    await session(directory);
    flip(segmentsOf(directory)[0], 2000);
    expect(await problemsOf(directory)).to.have.length(1);
    const { warnings } = await session(directory);
    expect(warnings.join()).to.match(/no valid record at offset/);
    expect(await problemsOf(directory)).to.deep.equal([]);
  });

  it('does not hide damage that comes later, elsewhere in the same file', async () => {
    const directory = damaged('later', (segment) => flip(segment, 2000));
    await session(directory);
    flip(segmentsOf(directory)[0], 4000);
    expect((await problemsOf(directory)).join()).to.match(/no valid record at offset/);
  });

  it('is told once more when the note about it is damaged or gone', async () => {
    const directory = damaged('note', (segment) => flip(segment, 2000));
    await session(directory);
    const note = join(directory, 'journal', 'SETTLED_DAMAGE');
    writeFileSync(note, '{"version":1,"findings":[null,7,{"kind":"badRecord"');
    expect(await problemsOf(directory)).to.have.length(1);
    await session(directory);
    unlinkSync(note);
    expect(await problemsOf(directory)).to.have.length(1);
    await session(directory);
    expect(await problemsOf(directory)).to.deep.equal([]);
  });

  it('is settled for a header as for records, and an opening for reading settles nothing', async () => {
    const directory = damaged('header', (segment) => flip(segment, 20 - HEADER_BYTES));
    const store = await openStore(directory, { readOnly: true });
    await store.close();
    expect(await problemsOf(directory)).to.have.length(1);
    await session(directory);
    expect(await problemsOf(directory)).to.deep.equal([]);
  });
});

/** Segments with records, oldest first. */
const segmentsOf = (directory: string): string[] =>
  readdirSync(join(directory, 'journal'))
    .filter((name) => name.endsWith('.journal'))
    .sort()
    .map((name) => join(directory, 'journal', name))
    .filter((path) => statSync(path).size > 8000);

/** Changes a bit, at an offset behind the header. */
const flip = (path: string, offset: number): void => {
  const bytes = readFileSync(path);
  bytes[HEADER_BYTES + offset] ^= 1;
  writeFileSync(path, bytes);
};

/** Opens, and closes; keeps the journal that there is. */
const session = async (directory: string): Promise<{ warnings: string[] }> => {
  const warnings: string[] = [];
  const warn = (...[, message]: Parameters<Logger['warn']>): void => void warnings.push(String(message));
  const logger = { debug() {}, info() {}, warn, error: warn } as unknown as Logger;
  const store: Store = await openStore(directory, { retention: 'off', logger });
  for await (const series of store.select('load')) expect(series.timestamps.length).to.be.greaterThan(0);
  await store.close();
  return { warnings };
};
