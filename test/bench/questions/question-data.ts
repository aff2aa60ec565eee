/**
 * The data of workload Q: 640 series of 24 hours, a sample every 15 seconds. Counters with resets, random walks with two
 * decimals, cumulative histograms. The same for everybody: random numbers of a fixed seed.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { seeded } from '../../support/seeded.ts';

export const STEP_MS = 15_000;
export const SAMPLES = 5760;
/** The time of the first sample. */
export const FIRST_MS = 1_700_006_400_000;
export const LAST_MS = FIRST_MS + (SAMPLES - 1) * STEP_MS;

const BOUNDS = ['0.005', '0.01', '0.05', '0.1', '0.5', '1', '+Inf'];

export interface QuestionSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly values: Float64Array;
}

/** All series, one after the other. The values of a histogram's buckets are made together. */
export function* questionData(): Generator<QuestionSeries> {
  const random = seeded(20_231_115);
  const jobs = ['api0', 'api1', 'api2', 'api3', 'api4'];
  const instances = Array.from({ length: 20 }, (_, i) => `h${i}`);
  for (const job of jobs) {
    for (const instance of instances) {
      for (const code of ['200', '404', '500']) {
        const values = new Float64Array(SAMPLES);
        let count = random.int(10_000);
        for (let i = 0; i < SAMPLES; i++) {
          count = random.int(3000) === 0 ? random.int(40) : count + random.int(40);
          values[i] = count;
        }
        yield { labels: { __name__: 'http_requests_total', job, instance, code }, values };
      }
    }
  }
  for (const name of ['node_load', 'mem_used']) {
    for (const job of jobs) {
      for (const instance of instances) {
        const values = new Float64Array(SAMPLES);
        let hundredths = 1000 + random.int(5000);
        for (let i = 0; i < SAMPLES; i++) {
          hundredths = Math.max(1, hundredths + random.int(201) - 100);
          values[i] = hundredths / 100;
        }
        yield { labels: { __name__: name, job, instance }, values };
      }
    }
  }
  for (const [i, instance] of instances.entries()) {
    const columns = BOUNDS.map(() => new Float64Array(SAMPLES));
    const counts = BOUNDS.map(() => 0);
    for (let at = 0; at < SAMPLES; at++) {
      let below = 0;
      for (let bucket = 0; bucket < BOUNDS.length; bucket++) {
        below += random.int(6);
        counts[bucket] += below;
        columns[bucket][at] = counts[bucket];
      }
    }
    for (const [bucket, le] of BOUNDS.entries())
      yield { labels: { __name__: 'lat_bucket', job: jobs[i % jobs.length], instance, le }, values: columns[bucket] };
  }
}

/** Writes the data as JSON lines and as OpenMetrics, a series at a time. */
export const writeQuestionData = (jsonLines: string, openMetrics: string): { readonly series: number } => {
  const json = openSync(jsonLines, 'w');
  const text = openSync(openMetrics, 'w');
  let series = 0;
  const timestamps = Array.from({ length: SAMPLES }, (_, i) => FIRST_MS + i * STEP_MS);
  for (const { labels, values } of questionData()) {
    series++;
    writeSync(json, `${JSON.stringify({ metric: labels, values: [...values], timestamps })}\n`);
    const { __name__: name, ...rest } = labels;
    const pairs = Object.entries(rest).map(([label, value]) => `${label}="${value}"`);
    const head = `${name}{${pairs.join(',')}}`;
    const lines = timestamps.map((time, i) => `${head} ${values[i]} ${(time / 1000).toFixed(3)}\n`);
    writeSync(text, lines.join(''));
  }
  writeSync(text, '# EOF\n');
  closeSync(json);
  closeSync(text);
  return { series };
};
