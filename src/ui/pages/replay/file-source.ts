/**
 * A file of events that a user has opened: JSON lines, as `tidemark events` and the simulator print them. The file is
 * read in pieces and may be of any size: the page keeps where the events are, not their text.
 */
import { EventTimeline } from '../../../timeline/event-timeline.ts';
import { isFingerprint } from '../../../timeline/fingerprint-numbers.ts';
import type { ReplayedEvent } from '../../../timeline/replay-answers.ts';
import { type BookParts, type ChosenSet, keepNewest, ReplayBook } from '../../../timeline/replay-book.ts';
import { SeriesSet } from '../../../timeline/timeline-filter.ts';
import { formatCount } from '../../parts/text/number-text.ts';
import { formatLabels } from '../../parts/text/series-names.ts';
import type { Labels } from '../../server/server-answers.ts';
import { type FileLine, linesOf } from './file-lines.ts';
import { axisParts, type ReplaySource } from './replay-source.ts';

/** Bad lines that are told. */
const PROBLEMS_MAX = 5;
/** Texts whose series are kept. */
const TEXTS_MAX = 12;
/** Longest work before the page gets a turn. */
const SLICE_MS = 8;

/** An event of a line; `undefined` for samples. Throws what is wrong with the line. */
export const eventOfLine = (text: string): ReplayedEvent | undefined => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('is not JSON');
  }
  if (typeof value !== 'object' || value === null) throw new Error('is not a JSON object');
  const event = value as Partial<ReplayedEvent>;
  if (typeof event.type !== 'string') throw new Error('has no "type"');
  if (event.type === 'samplesAppended' || event.type === 'lateSamplesAppended') return undefined;
  if (typeof event.time !== 'number') throw new Error('has no "time" in milliseconds');
  const { fingerprint, fingerprints, labels } = event;
  if (fingerprint !== undefined && !isText(fingerprint))
    throw new Error('has a "fingerprint" that is not 16 hex digits');
  if (fingerprints !== undefined && !(Array.isArray(fingerprints) && fingerprints.every(isText)))
    throw new Error('has "fingerprints" that are not a list of 16 hex digits each');
  if (labels !== undefined && !isLabels(labels)) throw new Error('has "labels" that are not texts by name');
  return event as ReplayedEvent;
};

const isText = (value: unknown): boolean => typeof value === 'string' && isFingerprint(value);

const isLabels = (value: unknown): value is Labels =>
  typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string');

/** Lets the page do other work. */
const breathe = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

const run = async <Result>(work: Generator<void, Result, undefined>): Promise<Result> => {
  for (let end = performance.now() + SLICE_MS; ; ) {
    const { done, value } = work.next();
    if (done === true) return value;
    if (performance.now() < end) continue;
    await breathe();
    end = performance.now() + SLICE_MS;
  }
};

export class FileSource implements ReplaySource {
  readonly name: string;
  readonly isJournal = false;
  readonly summary: ReplaySource['summary'];
  readonly rows: ReplaySource['rows'];
  readonly moment: ReplaySource['moment'];
  readonly series: ReplaySource['series'];
  readonly stop: ReplaySource['stop'];
  private readonly file: File;
  private readonly timeline = new EventTimeline();
  private readonly problems: string[] = [];
  private badLines = 0;
  private readonly chosen = new Map<string, Promise<ChosenSet>>();

  private constructor(file: File) {
    this.file = file;
    this.name = file.name;
    const { timeline, problems } = this;
    const read: BookParts['read'] = (numbers) => this.read(numbers);
    const book = new ReplayBook({ timeline, read, choose: (text) => this.chosenOnce(text), problems, run });
    this.summary = async (filter, asked, _signal, known) =>
      known === timeline.end ? undefined : book.summary(filter, asked, axisParts);
    this.rows = (filter, from, count) => book.rows(filter, from, count);
    this.moment = (place, most) => book.moment(place, most);
    this.series = (place, fingerprint) => book.series(place, fingerprint);
    this.stop = (filter, row, stops) => book.stop(filter, row, stops);
  }

  /** Reads a file. Lines that are no events are counted, and the first ones told with their number. */
  static async open(file: File, signal: AbortSignal, onProgress: (share: number) => void): Promise<FileSource> {
    const source = new FileSource(file);
    for await (const { lines, end } of linesOf(file, signal)) {
      for (const line of lines) source.take(line);
      onProgress(file.size === 0 ? 1 : end / file.size);
    }
    const { timeline, problems, badLines } = source;
    if (timeline.end === 0)
      throw new Error(
        [
          `${file.name} has no lifecycle events: one JSON object with "type" and "time" on each line.`,
          ...problems,
        ].join(' '),
      );
    if (badLines > PROBLEMS_MAX) problems.push(`${formatCount(badLines)} lines in all are not events.`);
    return source;
  }

  private take({ text, number, start }: FileLine): void {
    if (text.trim() === '') return;
    try {
      const event = eventOfLine(text);
      if (event !== undefined) this.timeline.add(event, start);
    } catch (error) {
      if (++this.badLines <= PROBLEMS_MAX)
        this.problems.push(`Line ${formatCount(number)} ${(error as Error).message}; it was left out.`);
    }
  }

  /** The position of an event of a file is where its line starts. */
  private async read(numbers: readonly number[]): Promise<ReadonlyMap<number, ReplayedEvent>> {
    const found = new Map<number, ReplayedEvent>();
    for (const number of numbers) {
      const event = await this.eventAt(this.timeline.positionOf(number));
      if (event !== undefined) found.set(number, event);
    }
    return found;
  }

  private async eventAt(start: number): Promise<ReplayedEvent | undefined> {
    for (let bytes = 4096; ; bytes *= 8) {
      const text = await this.file.slice(start, start + bytes).text();
      const end = text.indexOf('\n');
      if (end >= 0 || start + bytes >= this.file.size) return eventOfLine(end < 0 ? text : text.slice(0, end));
    }
  }

  /** The file does not change, so each text is looked for once. */
  private chosenOnce(text: string): Promise<ChosenSet> {
    const chosen = this.chosen.get(text) ?? this.choose(text);
    keepNewest(this.chosen, text, chosen, TEXTS_MAX);
    return chosen;
  }

  /** Series by their fingerprint, or by a part of their name and labels. */
  private async choose(text: string): Promise<ChosenSet> {
    const set = new SeriesSet();
    const { fingerprints } = this.timeline;
    if (isFingerprint(text)) {
      const series = fingerprints.find(text);
      if (series >= 0) set.add(series);
      return { set, count: series >= 0 ? 1 : 0 };
    }
    let count = 0;
    for await (const { lines } of linesOf(this.file))
      for (const line of lines) {
        if (!line.text.includes('"labels"')) continue;
        const series = this.seriesOf(line.text, text);
        if (series === undefined || set.has(series)) continue;
        set.add(series);
        count++;
      }
    return { set, count };
  }

  /** The series of a line whose labels have a text. */
  private seriesOf(line: string, text: string): number | undefined {
    try {
      const { fingerprint, labels } = eventOfLine(line) ?? {};
      const isWanted = fingerprint !== undefined && labels !== undefined && formatLabels(labels).includes(text);
      return isWanted ? this.timeline.fingerprints.find(fingerprint) : undefined;
    } catch {
      // The line was told when the file was opened.
      return undefined;
    }
  }
}
