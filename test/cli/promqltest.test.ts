import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import * as library from '../../src/index.ts';
import { type Outcome, runInProcess } from './run-in-process.ts';

const sound = `
load 5m
  requests_total{job="a"} 0+10x10
  requests_total{job="b"} 0 1 _ stale 4
  buckets {{schema:0 sum:1 count:1 buckets:[1]}}

eval instant at 50m sum by (job) (requests_total)
  {job="a"} 100

eval range from 0 to 20m step 10m requests_total{job="b"}
  requests_total{job="b"} 0 _ 4

eval instant at 0 buckets
  buckets {{schema:0 sum:1 count:1 buckets:[1]}}

load 5m
  requests_total{job="a"} 6
  requests_total{job="a"} 7

eval instant at 0 requests_total{job="a"}
  requests_total{job="a"} 7
`;

/** The window of a minute has one sample in version 3, and two in version 2. */
const edges = `
load 1m
  up 1 1 1

eval instant at 2m count_over_time(up[1m])
  {} 2
`;

describe('tidemark promqltest', () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-promqltest-test-'));
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const file = (path: string, text: string): string => {
    mkdirSync(join(directory, path, '..'), { recursive: true });
    writeFileSync(join(directory, path), text);
    return join(directory, path);
  };
  const test = (...args: string[]): Promise<Outcome> => runInProcess(['promqltest', ...args], { library });

  it('prints a line for each file: passed, failed, skipped with the reason', async () => {
    const files = [file('v3/sound.test', sound), file('v2.42/edges.test', edges)];
    expect(await test(...files)).to.deep.equal({
      exitCode: 0,
      out: 'v3/sound.test: 3 passed, 0 failed, 1 skipped (1 native histograms)\nv2.42/edges.test: 1 passed, 0 failed, 0 skipped\n',
      err: '',
    });
  });

  it('describes a failure on stderr, and exits with 3', async () => {
    const path = file('v3/edges.test', edges);
    const { exitCode, out, err } = await test(path);
    expect(exitCode).to.equal(3);
    expect(out).to.equal('v3/edges.test: 0 passed, 1 failed, 0 skipped\n');
    expect(err).to.match(
      /^v3\/edges\.test:5: count_over_time\(up\[1m\]\)\n {2}asked: +instant\n {2}expected: \{\} 2\n {2}got: +\{\} 1\n$/,
    );
    expect((await test(path, '--version', '2')).exitCode).to.equal(0);
  });

  it('prints JSON lines', async () => {
    const path = file('v3/edges.test', edges);
    const report = JSON.parse((await test(path, '--json')).out);
    expect(report).to.include({ file: path, passed: 0, failed: 1 });
    expect(report.failures[0]).to.include({ line: 5, expression: 'count_over_time(up[1m])' });
  });

  it('goes on after a file that is not a test file, and exits with 3', async () => {
    const { exitCode, out } = await test(file('v3/other.test', 'lorem ipsum'), file('v3/sound.test', sound));
    expect(exitCode).to.equal(3);
    expect(out).to.match(
      /^v3\/other\.test: not a test file: line 1: unknown command: lorem ipsum\nv3\/sound\.test: 3 passed/,
    );
  });

  it('calls a file that is not there an error', async () => {
    const { exitCode, err } = await test(join(directory, 'nothing.test'));
    expect(exitCode).to.equal(1);
    expect(err).to.include('there is no such file');
  });
});
