/** Asks the engine about series that are written as in Prometheus' test files, and shows the answer in the same way. */
import { metricText } from '../../../src/model/metric-text.ts';
import type { EngineOptions } from '../../../src/promql/engine/engine-options.ts';
import { type EvalResult, evaluate } from '../../../src/promql/engine/evaluate.ts';
import type { SeriesSource } from '../../../src/promql/source.ts';
import { parse } from '../../../src/promql/syntax/parse.ts';
import { memoryStorage } from '../../../src/promql/testing/memory-source.ts';
import { FLOAT, parseSeriesLine } from '../../../src/promql/testing/series-line.ts';
import { testEngineOptions } from '../answers.ts';

export interface Asked {
  /** Seconds. An instant query has `at`, a range query the others. */
  readonly at?: number;
  readonly from?: number;
  readonly through?: number;
  readonly step?: number;
  readonly options?: Partial<EngineOptions>;
  readonly signal?: AbortSignal;
}

/** A source of series with a sample every `stepSeconds`, the first one at 0. */
export const load = async (stepSeconds: number, lines: readonly string[]): Promise<SeriesSource> => {
  const storage = memoryStorage();
  const series = lines.map((line) => {
    const { labels, values, kinds } = parseSeriesLine(line);
    const kept = [...kinds.keys()].filter((index) => kinds[index] === FLOAT);
    const bits = new BigUint64Array(values.buffer, values.byteOffset, values.length);
    return {
      labels,
      timestamps: Float64Array.from(kept, (index) => index * stepSeconds * 1000),
      values: new Float64Array(BigUint64Array.from(kept, (index) => bits[index]).buffer),
    };
  });
  await storage.append(series);
  return storage.source;
};

export const evaluated = (source: SeriesSource, text: string, asked: Asked): Promise<EvalResult> => {
  const { at, from = 0, through = 0, step = 60, options = {}, signal } = asked;
  const times =
    at === undefined
      ? { start: from * 1000, end: through * 1000, stepMs: step * 1000, isInstant: false }
      : { start: at * 1000, end: at * 1000, stepMs: 0, isInstant: true };
  const request = { expr: parse(text, { experimental: true }), text, ...times };
  return evaluate(source, signal === undefined ? request : { ...request, signal }, {
    ...testEngineOptions,
    ...options,
  });
};

/** `a{job="x"} 1 2 _ 4`: a value for each step, `_` where there is none. */
export const ask = async (source: SeriesSource, text: string, asked: Asked): Promise<string[]> => {
  const { series, type } = await evaluated(source, text, asked);
  const { at, from = 0, through = 0, step = 60 } = asked;
  return series.map(({ labels, timestamps, values }) => {
    const shown = [...values].map((value) => (Object.is(value, -0) ? '-0' : String(value)));
    if (at !== undefined) return type === 'scalar' ? shown.join(' ') : `${metricText(labels)} ${shown.join(' ')}`;
    const texts: string[] = [];
    for (let time = from * 1000; time <= through * 1000; time += step * 1000) {
      const index = timestamps.indexOf(time);
      texts.push(index < 0 ? '_' : shown[index]);
    }
    return `${metricText(labels)} ${texts.join(' ')}`;
  });
};

/** The code and the message of the error with which a query fails. */
export const failure = async (source: SeriesSource, text: string, asked: Asked): Promise<string> => {
  try {
    await evaluated(source, text, asked);
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `${code}: ${message}`;
  }
  return 'no error';
};
