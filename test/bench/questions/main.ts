/**
 * `npm run bench -- --questions`: workload Q. Ten range queries over a day of 640 series, asked of Tidemark in process, of
 * `tidemark serve`, of Prometheus and of VictoriaMetrics, in turn, so that all see the same machine. Medians.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { openStore } from '../../../src/index.ts';
import { median } from '../measure.ts';
import { hasProcessFigures, resetPeak, residentNow, residentPeak } from '../process-figures.ts';
import { formatNumber, table } from '../report.ts';
import { stopServer } from '../servers.ts';
import { type AnsweringServer, ask, loadPrometheus, loadTidemark, loadVictoriaMetrics } from './answering-servers.ts';
import { FIRST_MS, LAST_MS, writeQuestionData } from './question-data.ts';

const questions: readonly (readonly [query: string, stepSeconds: number])[] = [
  ['sum by (job) (rate(http_requests_total[5m]))', 60],
  ['rate(http_requests_total[5m])', 300],
  ['node_load', 60],
  ['topk(5, avg by (instance) (node_load))', 60],
  ['quantile_over_time(0.9, node_load[10m])', 60],
  ['histogram_quantile(0.99, sum by (le, job) (rate(lat_bucket[5m])))', 60],
  ['sum by (job)(rate(http_requests_total{code="500"}[5m])) / sum by (job)(rate(http_requests_total[5m]))', 60],
  ['mem_used / on (instance, job) node_load', 60],
  ['max_over_time(avg by (job) (node_load)[1h:1m])', 300],
  ['max_over_time(mem_used[1h])', 60],
];

/** Through HTTP, a ratio to Prometheus; to VictoriaMetrics for some of the questions; growth in MB during each. */
const TARGETS = { prometheus: 0.35, victoria: 1, victoriaCount: 6, growthMB: 64 };

/** How often each question is asked before it is measured: as in a server that has run for a while. */
const WARM_UPS = 20;

interface Answer {
  readonly query: string;
  readonly stepSeconds: number;
  /** Medians in milliseconds by the name of who answered. */
  readonly ms: Readonly<Record<string, number>>;
  readonly series: number;
  readonly growthMB: number | undefined;
}

/** Series in an answer. */
const seriesIn = (body: string): number =>
  (JSON.parse(body) as { readonly data: { readonly result: readonly unknown[] } }).data.result.length;

export const runQuestions = async ({
  runs,
  directory,
  out,
}: {
  readonly runs: number;
  readonly directory: string;
  readonly out: string;
}): Promise<void> => {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const parent = mkdtempSync(join(directory, 'tidemark-questions-'));
  const servers: AnsweringServer[] = [];
  try {
    const [jsonLines, openMetrics] = [join(parent, 'data.jsonl'), join(parent, 'data.om')];
    say(`writing the data of ${writeQuestionData(jsonLines, openMetrics).series} series`);
    say('loading Tidemark');
    const tidemark = await loadTidemark(jsonLines, parent);
    servers.push(tidemark);
    say('loading Prometheus');
    const prometheus = await loadPrometheus(openMetrics, parent);
    if (prometheus === undefined) say('Prometheus is not installed');
    else servers.push(prometheus);
    say('loading VictoriaMetrics');
    const victoria = await loadVictoriaMetrics(jsonLines, parent);
    if (victoria === undefined) say('VictoriaMetrics is not installed');
    else servers.push(victoria);
    const store = await openStore(join(parent, 'tidemark'), { readOnly: true });
    const answers: Answer[] = [];
    for (const [query, stepSeconds] of questions) {
      say(query);
      const range = { from: FIRST_MS, through: LAST_MS, step: stepSeconds * 1000 };
      const parameters = {
        query,
        start: String(FIRST_MS / 1000),
        end: String(LAST_MS / 1000),
        step: String(stepSeconds),
        nocache: '1',
      };
      const inProcess = async (): Promise<number> => {
        const started = performance.now();
        await store.queryRange(query, range);
        return performance.now() - started;
      };
      // Each begins warm, and must give the same number of series.
      for (let i = 0; i < WARM_UPS; i++) {
        await inProcess();
        for (const server of servers) await ask(server, parameters);
      }
      const counts: number[] = [];
      for (const server of servers) counts.push(seriesIn((await ask(server, parameters)).body));
      if (new Set(counts).size > 1) say(`  the answers have ${counts.join(', ')} series`);
      const times = new Map<string, number[]>([['Tidemark, in process', []]]);
      for (const { name } of servers) times.set(name, []);
      const pid = tidemark.child.pid as number;
      const idle = hasProcessFigures ? residentNow(pid) : 0;
      let peak = 0;
      for (let round = 0; round < runs; round++) {
        // The order changes from round to round.
        for (const server of round % 2 === 0 ? servers : servers.toReversed()) {
          if (server === tidemark && hasProcessFigures) resetPeak(pid);
          times.get(server.name)?.push((await ask(server, parameters)).ms);
          if (server === tidemark && hasProcessFigures) peak = Math.max(peak, residentPeak(pid));
        }
        times.get('Tidemark, in process')?.push(await inProcess());
      }
      answers.push({
        query,
        stepSeconds,
        ms: Object.fromEntries([...times].map(([name, list]) => [name, median(list)])),
        series: counts[0],
        growthMB: hasProcessFigures ? (peak - idle) / 1e6 : undefined,
      });
    }
    await store.close();
    report(answers, { prometheus: prometheus?.name, victoria: victoria?.name });
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(
      out,
      `${JSON.stringify({ node: process.version, cpu: cpus()[0]?.model, runs, answers }, undefined, 2)}\n`,
    );
  } finally {
    for (const server of servers) {
      server.agent.destroy();
      await stopServer(server);
    }
    rmSync(parent, { recursive: true, force: true });
  }
};

const report = (
  answers: readonly Answer[],
  peers: { readonly prometheus: string | undefined; readonly victoria: string | undefined },
): void => {
  const ratio = ({ ms }: Answer, peer: string | undefined): number | undefined =>
    peer === undefined ? undefined : ms['Tidemark, HTTP'] / ms[peer];
  const msOf = ({ ms }: Answer, peer: string | undefined): number | undefined =>
    peer === undefined ? undefined : ms[peer];
  const number = (value: number | undefined): string => (value === undefined ? '' : formatNumber(value));
  const rows = answers.map((answer) => {
    const { query, stepSeconds, ms, growthMB } = answer;
    return [
      `\`${query}\``,
      `${stepSeconds} s`,
      number(ms['Tidemark, in process']),
      number(ms['Tidemark, HTTP']),
      number(msOf(answer, peers.prometheus)),
      number(ratio(answer, peers.prometheus)),
      number(msOf(answer, peers.victoria)),
      number(ratio(answer, peers.victoria)),
      number(growthMB),
    ];
  });
  const head = [
    'query',
    'step',
    'in process, ms',
    'HTTP, ms',
    'Prometheus, ms',
    'ratio',
    'VictoriaMetrics, ms',
    'ratio',
    'growth, MB',
  ];
  process.stdout.write(`${table(head, rows)}\n\n`);
  const within = (limit: number, peer: string | undefined): number =>
    answers.filter((answer) => (ratio(answer, peer) ?? Number.POSITIVE_INFINITY) <= limit).length;
  const grows = answers.filter(({ growthMB }) => growthMB !== undefined && growthMB > TARGETS.growthMB).length;
  process.stdout.write(
    `At most ${TARGETS.prometheus} of Prometheus: ${within(TARGETS.prometheus, peers.prometheus)} of ${answers.length}. ` +
      `At most ${TARGETS.victoria} of VictoriaMetrics: ${within(TARGETS.victoria, peers.victoria)}, wanted ` +
      `${TARGETS.victoriaCount}. Memory grew by more than ${TARGETS.growthMB} MB in ${grows}.\n`,
  );
};
