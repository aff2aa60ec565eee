/**
 * What the engine does not have, so that evals that need it are skipped and counted by name: native histograms, start
 * timestamps, and some syntax.
 */
import { type LabelPairs, labelValue, METRIC_NAME } from '../../model/labels.ts';
import { compileMatcher, matchesPairs } from '../../model/matcher.ts';
import type { SeriesSource, SourceRequest } from '../source.ts';
import { NATIVE_HISTOGRAM, type SeriesLine } from './series-line.ts';
import type { EvalCommand, LoadCommand } from './test-file.ts';

/** Samples of a series that the engine can't answer with as Prometheus does. */
interface Unsupported {
  readonly reason: string;
  readonly labels: LabelPairs;
  readonly from: number;
  readonly through: number;
}

/** What was loaded since the last `clear` and is not supported. */
export class UnsupportedSamples {
  readonly #loaded: Unsupported[] = [];

  clear(): void {
    this.#loaded.length = 0;
  }

  note({ series, alsoNative, stepMs }: LoadCommand): void {
    for (const line of series) {
      const { labels } = line;
      const through = line.kinds.length * stepMs;
      for (let index = 0; index < line.kinds.length; index++) {
        if (line.kinds[index] !== NATIVE_HISTOGRAM) continue;
        this.#loaded.push({ reason: NATIVE, labels, from: index * stepMs, through: index * stepMs });
      }
      if (alsoNative && labelValue(labels, 'le') !== '') {
        this.#loaded.push({ reason: NATIVE, labels: nativeLabels(labels), from: 0, through });
      }
      if (line.isStartTimestamps) {
        // They belong to samples that other lines load.
        const always = { from: Number.NEGATIVE_INFINITY, through: Number.POSITIVE_INFINITY };
        this.#loaded.push({ reason: 'start timestamps', labels, ...always });
      }
    }
  }

  /** The source, and the reason why an eval that reads from it is skipped, as soon as it reads such samples. */
  watch(source: SeriesSource): { readonly source: SeriesSource; readonly reason: () => string | undefined } {
    let reason: string | undefined;
    return {
      source: {
        select: (request) => {
          reason ??= this.#reasonOf(request);
          return source.select(request);
        },
      },
      reason: () => reason,
    };
  }

  #reasonOf({ matchers, from, through }: SourceRequest): string | undefined {
    const compiled = matchers.map(compileMatcher);
    return this.#loaded.find((one) => one.from <= through && one.through >= from && matchesPairs(compiled, one.labels))
      ?.reason;
  }
}

const NATIVE = 'native histograms';

/** Why an eval is skipped whatever it reads; `undefined` if it is not. */
export const unsupportedSyntax = ({ text, expected }: EvalCommand, isValid: boolean): string | undefined => {
  if (expected.rows.some(hasNative)) return NATIVE;
  if (isValid) return undefined;
  const found = /\b(?:anchored|smoothed)\b/i.exec(text) ?? /\bfill(?:_left|_right)?(?=\s*\()/i.exec(text);
  return found?.[0].toLowerCase();
};

const hasNative = ({ kinds }: SeriesLine): boolean => kinds.includes(NATIVE_HISTOGRAM);

/** The labels of the native histogram made of a classic histogram's buckets. */
const nativeLabels = (labels: LabelPairs): LabelPairs => {
  const native: string[] = [];
  for (let i = 0; i < labels.length; i += 2) {
    if (labels[i] === METRIC_NAME) native.push(labels[i], labels[i + 1].replace(/_bucket$/, ''));
    else if (labels[i] !== 'le') native.push(labels[i], labels[i + 1]);
  }
  return native;
};
