/**
 * Prepares columns of a caller for a backfill: leaves out samples that the series does not take, and sorts the others.
 * Each piece has columns of its own, in shared memory, so that the thread of series files reads them without a copy.
 *
 * Columns that come in the order of time, or in a few blocks that are in order, are sorted in about one pass: the sort
 * merges neighbouring runs.
 */
import type { Slices } from '../async/slices.ts';
import type { ErrorCode } from '../model/errors.ts';
import type { ColumnMemory } from './column-memory.ts';
import { TIME_LIMIT_MS } from './ingest.ts';
import { SortedSamples } from './sorted-samples.ts';

/** Samples between two looks at the clock. */
const SAMPLES_PER_LOOK = 16_384;

export interface GivenColumns {
  readonly timestamps: ArrayLike<number>;
  readonly values: ArrayLike<number>;
}

export interface PreparedColumns {
  readonly columns: SortedSamples;
  /** Samples that are left out, by reason. */
  readonly rejected: ReadonlyMap<ErrorCode, number>;
  /** Samples that were given before, with the same bits. */
  readonly repeated: number;
  /** The memory of the columns. Give it back when they are not needed any more. */
  readonly memory: readonly SharedArrayBuffer[];
}

/** The samples from index `start` to before `end`, in strictly ascending order of time. */
export const prepareColumns = async (
  given: GivenColumns,
  [start, end]: readonly [start: number, end: number],
  times: { readonly from: number; readonly until: number },
  { memory, slices }: { readonly memory: ColumnMemory; readonly slices: Slices },
): Promise<PreparedColumns> => {
  const rejected = new Map<ErrorCode, number>();
  const reject = (code: ErrorCode): void => void rejected.set(code, (rejected.get(code) ?? 0) + 1);
  const run = new Run(end - start, memory);
  const { timestamps, values } = given;
  const words = values instanceof Float64Array ? wordsOf(values) : undefined;
  for (let i = start; i < end; i++) {
    if ((i - start) % SAMPLES_PER_LOOK === 0 && slices.isOver) await slices.breathe();
    const time = timestamps[i];
    if (!Number.isInteger(time) || Math.abs(time) > TIME_LIMIT_MS) reject('TIDEMARK_INVALID_TIMESTAMP');
    else if (time > times.until) reject('TIDEMARK_TOO_FAR_AHEAD');
    else if (time < times.from) reject('TIDEMARK_TOO_OLD');
    else if (typeof values[i] !== 'number') reject('TIDEMARK_INVALID_VALUE');
    else if (words === undefined) run.add(time, values[i]);
    else run.addWords(time, words[2 * i], words[2 * i + 1]);
  }
  const sorted = await sortedRuns(run, memory, slices);
  const { columns, repeated, different } = withoutRepeats(sorted);
  if (different > 0) rejected.set('TIDEMARK_DUPLICATE_TIMESTAMP', different);
  return { columns, rejected, repeated, memory: sorted.memory };
};

const wordsOf = ({ buffer, byteOffset, length }: Float64Array): Int32Array =>
  new Int32Array(buffer, byteOffset, 2 * length);

const scratch = new Float64Array(1);
const scratchWords = new Int32Array(scratch.buffer);

/** Samples, and the indexes at which ascending runs begin. Values are two words each, so that NaN payloads survive. */
class Run {
  count = 0;
  starts: number[] = [];
  readonly timestamps: Float64Array;
  readonly words: Int32Array;

  readonly memory: readonly SharedArrayBuffer[];

  constructor(capacity: number, memory: ColumnMemory) {
    const bytes = capacity * Float64Array.BYTES_PER_ELEMENT;
    this.memory = [memory.take(bytes), memory.take(bytes)];
    this.timestamps = new Float64Array(this.memory[0]);
    this.words = new Int32Array(this.memory[1]);
  }

  add(time: number, value: number): void {
    scratch[0] = value;
    this.addWords(time, scratchWords[0], scratchWords[1]);
  }

  addWords(time: number, first: number, second: number): void {
    const at = this.count++;
    if (at === 0 || time < this.timestamps[at - 1]) this.starts.push(at);
    this.timestamps[at] = time;
    this.words[2 * at] = first;
    this.words[2 * at + 1] = second;
  }
}

/** A stable sort by time. */
const sortedRuns = async (given: Run, memory: ColumnMemory, slices: Slices): Promise<Run> => {
  if (given.starts.length <= 1) return given;
  let from = given;
  let to = new Run(given.count, memory);
  to.count = from.count;
  while (from.starts.length > 1) {
    to.starts = [];
    for (let i = 0; i < from.starts.length; i += 2) {
      const start = from.starts[i];
      const middle = from.starts[i + 1] ?? from.count;
      const end = from.starts[i + 2] ?? from.count;
      to.starts.push(start);
      mergeRuns(from, to, start, middle, end);
      if (slices.isOver) await slices.breathe();
    }
    [from, to] = [to, from];
  }
  for (const each of to.memory) memory.giveBack(each);
  return from;
};

const mergeRuns = (from: Run, to: Run, start: number, middle: number, end: number): void => {
  const { timestamps, words } = from;
  let a = start;
  let b = middle;
  for (let at = start; at < end; at++) {
    const next = a < middle && (b === end || timestamps[a] <= timestamps[b]) ? a++ : b++;
    to.timestamps[at] = timestamps[next];
    to.words[2 * at] = words[2 * next];
    to.words[2 * at + 1] = words[2 * next + 1];
  }
};

/** Of equal times, the first sample stays. */
const withoutRepeats = ({
  count,
  timestamps,
  words,
}: Run): { readonly columns: SortedSamples; readonly repeated: number; readonly different: number } => {
  let kept = 0;
  let repeated = 0;
  let different = 0;
  for (let i = 0; i < count; i++) {
    if (kept > 0 && timestamps[i] === timestamps[kept - 1]) {
      const isSame = words[2 * i] === words[2 * kept - 2] && words[2 * i + 1] === words[2 * kept - 1];
      if (isSame) repeated++;
      else different++;
      continue;
    }
    timestamps[kept] = timestamps[i];
    words[2 * kept] = words[2 * i];
    words[2 * kept + 1] = words[2 * i + 1];
    kept++;
  }
  const columns = new SortedSamples();
  columns.count = kept;
  columns.timestamps = timestamps.subarray(0, kept);
  columns.words = words.subarray(0, 2 * kept);
  return { columns, repeated, different };
};
