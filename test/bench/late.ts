/**
 * What late samples cost: an hour of samples every 15 s in many series, of which a share arrives late by up to an hour.
 * The hour passes at the pace of a clock that the benchmark moves, so that merges come when they would come in an hour.
 * Each figure is from a process of its own.
 *
 *     npm run bench:late [-- SERIES]
 *     npm run bench:late -- servers [SERIES]
 *
 * `servers` sends the samples as fast as they are taken to `tidemark serve` and to Prometheus with a window for samples
 * out of order (late-servers.ts).
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openStore } from '../../src/index.ts';
import { markdownTable } from '../docs/generators/markdown-table.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { arrivals, BASE, ROUND_MS, SHARES } from './late-arrivals.ts';
import { compareServers } from './late-servers.ts';
import { writtenBytes } from './process-figures.ts';

const script = fileURLToPath(import.meta.url);

interface Cost {
  readonly share: number;
  /** Processor time of appending and merging, and bytes written, both for each sample. */
  readonly nsPerSample: number;
  readonly bytesPerSample: number;
  readonly peakMb: number;
  readonly inMemory: number;
  readonly inFile: number;
  readonly closeMs: number;
}

const measure = async (share: number, seriesCount: number): Promise<Cost> => {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-late-'));
  const rounds = arrivals(seriesCount, share);
  const clock = new ManualClock(BASE);
  const options = { retention: 'off', clock, memoryTarget: 1024 * 1024 * 1024 } as const;
  const store = await openStore(directory, options);
  const handles = Array.from({ length: seriesCount }, (_, i) => store.series({ __name__: 'bench', id: String(i) }));
  let peak = 0;
  let samples = 0;
  const written = writtenBytes(process.pid);
  const { user, system } = process.cpuUsage();
  for (const round of rounds) {
    for (let i = 0; i < round.length; i += 2) handles[round[i]].append(round[i + 1], (round[i] + i) % 1000);
    samples += round.length / 2;
    for (let passed = 0; passed < ROUND_MS; passed += 1000) {
      clock.step(1000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await store.flush();
    peak = Math.max(peak, process.memoryUsage.rss());
  }
  const used = process.cpuUsage({ user, system });
  const closing = performance.now();
  const merged = await store.registry.getSingleMetric('tidemark_late_merges_total')?.get();
  const mergesOf = (where: string): number =>
    merged?.values.find(({ labels }) => labels['location'] === where)?.value ?? 0;
  const [inMemory, inFile] = [mergesOf('memory'), mergesOf('file')];
  await store.close();
  const closeMs = performance.now() - closing;
  const bytes = writtenBytes(process.pid) - written;
  rmSync(directory, { recursive: true });
  return {
    share,
    nsPerSample: ((used.user + used.system) * 1000) / samples,
    bytesPerSample: bytes / samples,
    peakMb: peak / 1e6,
    inMemory,
    inFile,
    closeMs,
  };
};

const [first, second] = process.argv.slice(2);
if (first === 'measure') {
  const [, , , share, seriesCount] = process.argv;
  process.stdout.write(JSON.stringify(await measure(Number(share), Number(seriesCount))));
} else if (first === 'servers') await compareServers(Number(second ?? 10_000));
else {
  const seriesCount = Number(first ?? 10_000);
  if (!Number.isSafeInteger(seriesCount) || seriesCount < 1 || second !== undefined) {
    process.stderr.write('usage: npm run bench:late [-- [servers] SERIES]\n');
    process.exit(2);
  }
  const rows = SHARES.map((share) => {
    const output = execFileSync(process.execPath, [script, 'measure', String(share), String(seriesCount)], {
      encoding: 'utf8',
    });
    const cost = JSON.parse(output) as Cost;
    return [
      `${share * 100} %`,
      cost.nsPerSample.toFixed(0),
      cost.bytesPerSample.toFixed(1),
      cost.peakMb.toFixed(0),
      String(cost.inMemory),
      String(cost.inFile),
      cost.closeMs.toFixed(0),
    ];
  });
  const header = [
    'late',
    'ns a sample',
    'bytes written a sample',
    'peak MB',
    'merges in memory',
    'in files',
    'close ms',
  ];
  process.stdout.write(`${markdownTable(header, rows)}\n`);
}
