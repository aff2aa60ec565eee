/** `npm run month`: the month in full, printed as a table and drawn as docs/images/month.svg. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drawMonth } from './draw.ts';
import { type DayMeasured, runMonth } from './month.ts';

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;
const memoryTarget = 48 * MIB;

const columns: readonly (readonly [string, (day: DayMeasured) => string])[] = [
  ['day', ({ day }) => String(day)],
  ['samples', ({ samples }) => samples.toLocaleString('en')],
  ['in memory', ({ inMemory }) => String(inMemory)],
  ['archived', ({ archived }) => String(archived)],
  ['memory MiB', ({ memoryBytes }) => (memoryBytes / MIB).toFixed(1)],
  ['series files MiB', ({ seriesBytes }) => (seriesBytes / MIB).toFixed(1)],
  ['indexes MiB', ({ indexBytes }) => (indexBytes / MIB).toFixed(1)],
  ['directory MiB', ({ diskBytes }) => (diskBytes / MIB).toFixed(1)],
  ['files', ({ seriesFiles }) => String(seriesFiles)],
  ['descriptors', ({ descriptors }) => String(descriptors)],
  ['oldest chunk, days', ({ oldestAgeMs }) => (oldestAgeMs / DAY_MS).toFixed(1)],
];

const line = (cells: readonly string[]): string =>
  cells.map((cell, i) => cell.padStart(Math.max(columns[i][0].length, 11))).join('  ');

const directory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tidemark-month-'));
try {
  console.log(line(columns.map(([title]) => title)));
  const started = performance.now();
  const { days, compared, seriesCompared } = await runMonth({
    directory: join(directory, 'store'),
    seriesCount: 10_000,
    days: 30,
    retentionDays: 15,
    churnPerDay: 0.05,
    memoryTarget,
    stepMs: 60_000,
    onDay: (day) => console.log(line(columns.map(([, cell]) => cell(day)))),
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`${compared.toLocaleString('en')} samples of ${seriesCompared} series compared; ${seconds} s`);
  if (existsSync('docs/images')) writeFileSync('docs/images/month.svg', drawMonth(days, memoryTarget));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
