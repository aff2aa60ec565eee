/** The measured process of a peer: fills an empty directory, or opens one that was filled, with every sample read back. */
import { directoryBytes, elapsedMs, median, residentMB } from '../measure.ts';
import { expectedCounts, fillExpected, Rounds, sampleCount, type Workload } from '../workload.ts';
import { peers } from './list.ts';
import type { PeerStore } from './peer.ts';

export interface PeerRequest {
  readonly title: string;
  readonly step: 'fill' | 'reopen';
  readonly directory: string;
  readonly prefix: string;
  readonly workload: Workload;
}

export type PeerFigures = Readonly<Record<string, number>>;

const timeQueries = async (store: PeerStore, workload: Workload): Promise<PeerFigures> => {
  const expected = expectedCounts(workload);
  const timed = async (name: 'range' | 'lookup' | 'regex'): Promise<number> => {
    const times: number[] = [];
    for (let n = 0; n < 4; n++) {
      const started = performance.now();
      const found = await store[name]();
      times.push(performance.now() - started);
      if (found !== expected[name]) throw new Error(`${name} found ${found} series instead of ${expected[name]}`);
    }
    return median(times.slice(1));
  };
  return { rangeMs: await timed('range'), lookupMs: await timed('lookup'), regexMs: await timed('regex') };
};

const verify = async (store: PeerStore, workload: Workload): Promise<void> => {
  const expected = { timestamps: new Float64Array(workload.rounds), values: new Float64Array(workload.rounds) };
  const same = (a: Float64Array, b: Float64Array): boolean =>
    Buffer.compare(new Uint8Array(a.buffer, a.byteOffset, a.byteLength), new Uint8Array(b.buffer)) === 0;
  for (let i = 0; i < workload.seriesCount; i++) {
    const read = await store.read(i);
    fillExpected(workload, i, expected);
    if (!same(read.timestamps, expected.timestamps) || !same(read.values, expected.values)) {
      throw new Error(`series ${i} does not read back as it was stored`);
    }
  }
};

const fill = async (store: PeerStore, { directory, workload }: PeerRequest): Promise<PeerFigures> => {
  const { seriesCount, rounds: roundCount } = workload;
  const createMs = await elapsedMs(() => store.createSeries(seriesCount));
  const rounds = new Rounds(workload);
  let appendMs = 0;
  for (let round = 0; round < roundCount; round++) {
    rounds.next();
    appendMs += await elapsedMs(() => store.appendRound(rounds.timestamps, rounds.values));
  }
  appendMs += await elapsedMs(() => store.flush());
  const resident = residentMB();
  const queries = await timeQueries(store, workload);
  await verify(store, workload);
  const stopMs = await elapsedMs(() => store.close());
  return {
    createUs: (createMs * 1e3) / seriesCount,
    appendNs: (appendMs * 1e6) / sampleCount(workload),
    residentMB: resident,
    ...queries,
    stopMs,
    directoryMB: directoryBytes(directory) / 1e6,
  };
};

const reopen = async (store: PeerStore, openMs: number, { workload }: PeerRequest): Promise<PeerFigures> => {
  await verify(store, workload);
  await store.close();
  return { reopenMs: openMs };
};

process.once('message', async (request: PeerRequest) => {
  const peer = peers.find(({ title }) => title === request.title);
  if (peer === undefined) throw new Error(`there is no peer ${request.title}`);
  const started = performance.now();
  const store = await peer.open(request.directory, request.prefix);
  const openMs = performance.now() - started;
  const figures = request.step === 'fill' ? await fill(store, request) : await reopen(store, openMs, request);
  process.send?.(figures, () => process.disconnect());
});
