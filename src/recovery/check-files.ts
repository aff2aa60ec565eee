/**
 * Checks every series file: its headers, and whether it agrees with the checkpoint and the archive. The chunks
 * themselves are read with `pedantic`, or if the file changed since the checkpoint.
 */
import type { Slab } from '../chunk/slab.ts';
import { SeriesFiles } from '../disk/series-files/series-file.ts';
import { descriptorProblem, RECORD_BYTES } from '../disk/series-files/series-record.ts';
import { seriesDirectoryName } from '../disk/series-path.ts';
import { fingerprintText } from '../model/fingerprint.ts';
import { EARLIEST } from '../model/int64.ts';
import type { Check, NamedSeries } from './check-report.ts';
import { examineRecords } from './salvage.ts';
import { overlaps } from './settle-order.ts';

const DIRECTORIES = 256;
/** Files that are checked before the event loop gets a turn and an abort is noticed. */
const FILES_PER_BREATH = 64;

export const checkFiles = async (
  check: Check,
  slab: Slab,
  onProgress: (done: number, total: number, bytes?: number) => void,
): Promise<void> => {
  const files = new SeriesFiles(check.fileSystem, check.directory, slab);
  // A crash may leave the checksum files unfinished; the next opening repairs them.
  if (!check.isOpen) for (const finding of files.verifyChecksumFiles()) check.note('seriesFile', finding);
  const seen = new Set<NamedSeries>();
  let done = 0;
  for (let index = 0; index < DIRECTORIES; index++) {
    const { highs, lows, sizes, mtimesNs, junk } = files.scan(index);
    for (const name of junk) {
      if (!check.isOpen) check.note('seriesFile', `${seriesDirectoryName(index)}/${name} is no series file`);
    }
    for (let i = 0; i < highs.length; i++) {
      const series = check.series.get(highs[i], lows[i]);
      if (series !== undefined) seen.add(series);
      checkFile(check, files, highs[i], lows[i], sizes[i], mtimesNs[i], series);
      if (++done % FILES_PER_BREATH === 0) await check.breathe();
    }
    onProgress(index + 1, DIRECTORIES);
  }
  for (const series of check.series.values()) if (!seen.has(series)) checkWithoutFile(check, series);
};

const checkFile = (
  check: Check,
  files: SeriesFiles,
  high: number,
  low: number,
  size: number,
  mtimeNs: bigint,
  series: NamedSeries | undefined,
): void => {
  const note = (what: string): void => check.noteSeries('seriesFile', high, low, series?.pairs, what);
  if (series === undefined) {
    // In a directory that is open, the running store or the journal's replay may name the series.
    if (!check.isOpen) note('neither the checkpoint nor the archive names the series of this file');
  }
  const trailing = size % RECORD_BYTES;
  if (trailing > 0 && !check.isOpen) note(`the file has ${trailing} bytes after its last whole chunk`);
  const readsBodies = check.pedantic || (series?.mtimeNs !== mtimeNs && series?.where === 'checkpoint');
  const verification = !readsBodies ? undefined : check.isOpen ? 'aligned' : 'all';
  const { firstTimes, lastTimes, encodings, damaged = [] } = files.loadDescriptors(high, low, 0, true, verification);
  const settled = settledChunks(check, high, low, encodings.length, series);
  for (const index of damaged)
    if (index < settled) note(`chunk ${index} of the file is not as it was written, by its checksum`);
  check.chunks += encodings.length;
  for (let i = 0; i < settled; i++) {
    const problem = descriptorProblem(encodings[i], firstTimes[i], lastTimes[i]);
    if (problem !== undefined) note(`chunk ${i} of the file: ${problem}`);
    else if (!check.isForeign && i > 0 && firstTimes[i] <= lastTimes[i - 1])
      note(`chunk ${i} of the file begins at ${firstTimes[i]}, and the one before ends at ${lastTimes[i - 1]}`);
  }
  if (readsBodies) {
    const { problems, samples } = examineRecords(check, high, low);
    check.samples += samples;
    for (const { index, problem } of problems) if (index < settled) note(`chunk ${index} of the file: ${problem}`);
  }
  if (series !== undefined) compare(check, series, firstTimes, lastTimes, note);
};

/**
 * How many chunks of a file are certainly durable. In a directory that was not closed cleanly, chunks that were written
 * since the checkpoint may not have been synced. A loss of power may have left anything in their place; the next
 * opening writes them again. Of a file that was rewritten since the checkpoint, neither the checkpoint's count of chunks
 * nor the checksums say anything.
 */
const settledChunks = (
  { isOpen, told }: Check,
  high: number,
  low: number,
  chunks: number,
  series: NamedSeries | undefined,
): number => {
  const fingerprint = fingerprintText(high, low);
  if (isOpen && told.rewritten.has(fingerprint)) return 0;
  if (!isOpen || !(told.changed.has(fingerprint) || told.gone.has(fingerprint))) return chunks;
  return Math.min(chunks, series?.chunksInFile ?? 0);
};

const compare = (
  check: Check,
  { high, low, chunksInFile, firstTimeInFile, firstTimeInMemory, timeRange }: NamedSeries,
  firstTimes: Float64Array,
  lastTimes: Float64Array,
  note: (what: string) => void,
): void => {
  const chunks = firstTimes.length;
  const fingerprint = fingerprintText(high, low);
  // Retention removes chunks only from a file's beginning. Then the file has another first time.
  const beginsElsewhere = check.told.changed.has(fingerprint) && firstTimeInFile !== firstTimes[0];
  const isAnother = check.told.gone.has(fingerprint) || check.told.rewritten.has(fingerprint);
  if (chunksInFile !== undefined && chunks < chunksInFile && !beginsElsewhere && !isAnother)
    note(`the file has ${chunks} chunks, and the checkpoint says ${chunksInFile}`);
  if (check.isOpen) return;
  if (chunksInFile !== undefined && chunks > chunksInFile)
    note(`the file has ${chunks} chunks, and the checkpoint says ${chunksInFile}`);
  if (!check.isForeign && chunks > 0 && firstTimeInMemory !== undefined && firstTimeInMemory <= lastTimes[chunks - 1])
    note(`the file ends at ${lastTimes[chunks - 1]}, and the checkpoint's chunks begin at ${firstTimeInMemory}`);
  if (timeRange === undefined || chunks === 0) return;
  if (check.isForeign && overlaps({ firstTimes, lastTimes })) return;
  const { firstTime, lastTime } = timeRange;
  // The original archives series without knowing their first time.
  const isFirstKnown = firstTime !== EARLIEST && firstTime !== 0;
  if ((isFirstKnown && firstTime !== firstTimes[0]) || lastTime !== lastTimes[chunks - 1])
    note(
      `the archive says from ${firstTime} to ${lastTime}, and the file from ${firstTimes[0]} to ${lastTimes[chunks - 1]}`,
    );
};

const checkWithoutFile = (check: Check, { high, low, pairs, where, chunksInFile }: NamedSeries): void => {
  if (check.told.gone.has(fingerprintText(high, low))) return;
  if (where === 'archive')
    check.noteSeries('seriesFile', high, low, pairs, 'the file of an archived series is missing');
  else if (chunksInFile !== 0)
    check.noteSeries(
      'seriesFile',
      high,
      low,
      pairs,
      `the series file, of ${chunksInFile ?? 'some'} chunks, is missing`,
    );
};
