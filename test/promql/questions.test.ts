/** The examples of docs/promql.md find what they are about. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { evaluate } from '../../src/promql/engine/evaluate.ts';
import type { SourceSeries } from '../../src/promql/source.ts';
import { parse } from '../../src/promql/syntax/parse.ts';
import { memorySource } from '../../src/promql/testing/memory-source.ts';
import { codeBlocks } from '../package/markdown.ts';
import { testEngineOptions } from './answers.ts';

const MINUTE = 60_000;
const DAY = 1440;
const MINUTES = 9 * DAY;
const END = 1_767_225_600_000;

const series = (labels: Readonly<Record<string, string>>, valueAt: (minute: number) => number): SourceSeries => {
  const minutes = Array.from({ length: MINUTES + 1 }, (_, minute) => minute).filter(
    (minute) => !Number.isNaN(valueAt(minute)),
  );
  return {
    labels: Object.entries(labels)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flat(),
    timestamps: Float64Array.from(minutes, (minute) => END - (MINUTES - minute) * MINUTE),
    values: Float64Array.from(minutes, valueAt),
  };
};

/** A counter that grows by `perMinute`, and begins again at 0 twelve hours before the end. */
const counter = (perMinute: number) => (minute: number) =>
  perMinute * (minute < MINUTES - DAY / 2 ? minute : minute - (MINUTES - DAY / 2));

const jobs = ['shop', 'mail'];

const source = memorySource([
  ...jobs.flatMap((job, i) => [
    series({ __name__: 'http_requests_total', job, code: '200' }, counter(90 * (i + 1))),
    series({ __name__: 'http_requests_total', job, code: '500' }, counter(10 * (i + 1))),
    series({ __name__: 'memory_bytes', job }, (minute) => 1e6 * (i + 1) + minute),
    series({ __name__: 'memory_limit_bytes', job }, () => 2.1e6),
    series({ __name__: 'up', job }, (minute) => (job === 'mail' && minute > MINUTES - DAY / 4 ? 0 : 1)),
    series({ __name__: 'build_info', job, version: `1.${i}` }, () => 1),
  ]),
  series({ __name__: 'up', job: 'gone' }, (minute) => (minute > MINUTES - 30 ? Number.NaN : 1)),
  series({ __name__: 'request_duration_seconds_bucket', le: '0.1' }, counter(60)),
  series({ __name__: 'request_duration_seconds_bucket', le: '0.5' }, counter(114)),
  series({ __name__: 'request_duration_seconds_bucket', le: '+Inf' }, counter(120)),
  series({ __name__: 'request_duration_seconds_sum' }, counter(24)),
  series({ __name__: 'request_duration_seconds_count' }, counter(120)),
  series({ __name__: 'room_temperature_celsius', room: 'kitchen' }, (minute) => 20 + (minute % DAY) / 144),
  series({ __name__: 'config_version' }, (minute) => (minute > MINUTES - 20 ? 8 : 7)),
  series({ __name__: 'disk_free_bytes' }, (minute) => 1e6 - minute),
]);

/** Some of the answers, by the question. */
const answers: Readonly<Record<string, readonly number[]>> = {
  'How many requests a second?': [200 / 60, 100 / 60],
  'How many requests in the last hour?': [18_000],
  'How often did a program restart today?': [1, 1, 1, 1],
  'Which share of the requests failed?': [0.1],
  'How long do 95 % of the requests take at most?': [0.5],
  'How long does a request take on average?': [0.2],
  'How much is it compared with last week?': [7 * DAY, 7 * DAY],
  'What changed in the last hour?': [1],
  'When did it change to its present value at the latest?': [END / 1000 - 20 * 60],
  'When is the disk full, at this pace?': [1e6 - MINUTES - 240],
  'What is down?': [0],
  'How available was it?': [100, 75, 100],
  'What sends no samples any more?': [1],
};

const page = 'docs/promql.md';
const questions = codeBlocks(page)
  .filter(({ language }) => language === 'promql')
  .map(({ code, line }) => ({ code: code.trim(), line }));

describe('the examples of docs/promql.md', () => {
  it('are at least twenty', () => {
    expect(questions).to.have.length.above(19);
  });

  const titles = questionTitles();
  it('have the answers that are checked here', () => {
    expect(Object.keys(answers).filter((title) => !titles.includes(title))).to.deep.equal([]);
  });

  for (const [index, { code, line }] of questions.entries()) {
    it(`find something, without a warning: ${titles[index]} (line ${line})`, async () => {
      const request = { expr: parse(code), text: code, start: END, end: END, stepMs: 0, isInstant: true };
      const {
        series: found,
        warnings,
        infos,
      } = await evaluate(source, request, {
        ...testEngineOptions,
        experimental: false,
      });
      expect([...warnings, ...infos]).to.deep.equal([]);
      expect(found).to.have.length.above(0);
      const expected = answers[titles[index]];
      if (expected === undefined) return;
      const values = found.map(({ values }) => values[0]).sort((a, b) => a - b);
      const sorted = [...expected].sort((a, b) => a - b);
      expect(values).to.have.lengthOf(sorted.length);
      for (const [i, value] of values.entries()) expect(value).to.be.closeTo(sorted[i], 1e-6 * Math.abs(sorted[i]));
    });
  }
});

/** The bold question before each example, in their order. */
function questionTitles(): string[] {
  const blocks = readFileSync(page, 'utf8').split('```promql\n').slice(0, -1);
  return blocks.map((text) => [...text.matchAll(/^\*\*([^*]+)\*\*/gm)].at(-1)?.[1] ?? '');
}
