/**
 * `npm run bench -- --rules`: 1,000 recording rules every 15 seconds over 10,000 series, beside ingest. Tidemark evaluates
 * them in this process. Prometheus, if it is installed, has the same rules and gets the same samples by `forward`.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { openStore, type Store } from '../../../src/index.ts';
import { forward } from '../../../src/remote/index.ts';
import { type RuleGroup, startRules } from '../../../src/rules/index.ts';
import { median } from '../measure.ts';
import { formatNumber, table } from '../report.ts';
import { isInstalled, pause, type Server, startPrometheus, stopServer } from '../servers.ts';

const INTERVAL_MS = 15_000;
const GROUPS = 20;
const RULES_PER_GROUP = 50;
const SERIES = 10_000;
/** History before the first evaluation: rates over five minutes need it. */
const ROUNDS_BEFORE = 24;
/** Appends between two rounds of a millisecond's pause. */
const APPENDS_AT_A_TIME = 1000;

const ruleGroups: readonly RuleGroup[] = Array.from({ length: GROUPS }, (_, group) => ({
  name: `group${group}`,
  interval: INTERVAL_MS,
  rules: Array.from({ length: RULES_PER_GROUP }, (_, rule) => {
    const shard = group * RULES_PER_GROUP + rule;
    return { record: 'shard:requests:rate5m', labels: { shard: `${shard}` }, expr: expression(shard) };
  }),
}));

/** Each rule reads ten series. */
function expression(shard: number): string {
  return `sum by (job) (rate(requests_total{shard="${shard}"}[5m]))`;
}

const rulesFile = (): string =>
  JSON.stringify({
    groups: ruleGroups.map(({ name, rules }) => ({ name, interval: `${INTERVAL_MS / 1000}s`, rules })),
  });

const labelsOf = (series: number): Record<string, string> => ({
  __name__: 'requests_total',
  job: `job${series % 3}`,
  instance: `host${series}`,
  shard: `${Math.floor(series / 10)}`,
});

/** Prometheus with the same rules. `undefined` where it is not installed. */
const startPeer = async (directory: string): Promise<Server | undefined> => {
  if (!isInstalled('prometheus')) return undefined;
  const file = join(directory, 'rules.yml');
  // JSON is YAML, too.
  writeFileSync(file, rulesFile());
  const configuration = `global: {evaluation_interval: 15s}\nrule_files: [${file}]\n`;
  return startPrometheus(directory, configuration, ['--web.enable-remote-write-receiver']);
};

/** The sum of the groups' last durations in milliseconds, because Prometheus spreads them; and resident bytes. */
const readPeer = async ({ origin }: Server): Promise<{ readonly roundMs: number; readonly resident: number }> => {
  const text = await (await fetch(`${origin}/metrics`)).text();
  const valuesOf = (name: string): number[] =>
    [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))].map(([, value]) => Number(value));
  const roundMs = valuesOf('prometheus_rule_group_last_duration_seconds').reduce((sum, value) => sum + value, 0) * 1000;
  return { roundMs, resident: valuesOf('process_resident_memory_bytes')[0] ?? 0 };
};

/** Appends a round of all series, in slices, as a program that takes samples from many senders does. */
const appendRound = async (store: Store, round: number, time: number): Promise<void> => {
  for (let series = 0; series < SERIES; series++) {
    store.append(labelsOf(series), time, round * (1 + (series % 7)));
    if (series % APPENDS_AT_A_TIME === APPENDS_AT_A_TIME - 1) await pause(1);
  }
};

export const runRules = async ({
  rounds,
  directory,
  out,
}: {
  readonly rounds: number;
  readonly directory: string;
  readonly out: string;
}): Promise<void> => {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const parent = mkdtempSync(join(directory, 'tidemark-rules-'));
  const peer = await startPeer(parent);
  if (peer === undefined) say('Prometheus is not installed');
  const store = await openStore(join(parent, 'store'), { retention: 'off' });
  const delay: IntervalHistogram = monitorEventLoopDelay({ resolution: 1 });
  try {
    const forwarding =
      peer === undefined
        ? undefined
        : await forward(store, 'peer', {
            url: `${peer.origin}/api/v1/write`,
            selector: '{__name__="requests_total"}',
          });
    const begun = Date.now() - ROUNDS_BEFORE * INTERVAL_MS;
    for (let round = 0; round < ROUNDS_BEFORE; round++) await appendRound(store, round, begun + round * INTERVAL_MS);
    await forwarding?.caughtUp();
    const residentBefore = process.memoryUsage.rss();
    const rules = await startRules(store, ruleGroups, { onError: (error, where) => say(`${where}: ${error}`) });
    const ours: number[] = [];
    const theirs: number[] = [];
    let peerResident = 0;
    delay.enable();
    for (let round = 0; round < rounds; round++) {
      const started = performance.now();
      await appendRound(store, ROUNDS_BEFORE + round, Date.now());
      await pause(Math.max(0, INTERVAL_MS - (performance.now() - started)));
      // The first interval is a part of a round only.
      if (round === 0) continue;
      // All groups are due at the same time, so the slowest one takes as long as the round.
      ours.push(Math.max(...rules.groups().map(({ evaluationMs }) => evaluationMs)));
      if (peer === undefined) continue;
      const read = await readPeer(peer);
      theirs.push(read.roundMs);
      peerResident = read.resident;
    }
    delay.disable();
    const groups = rules.groups();
    const missed = groups.reduce((sum, group) => sum + group.missed, 0);
    const result = {
      roundMs: median(ours),
      longestPauseMs: delay.max / 1e6,
      residentMB: process.memoryUsage.rss() / 1e6,
      residentBeforeMB: residentBefore / 1e6,
      missed,
      peerRoundMs: theirs.length === 0 ? undefined : median(theirs),
      peerResidentMB: peerResident / 1e6,
    };
    await rules.stop();
    await forwarding?.stop();
    const number = (value: number | undefined): string => (value === undefined ? '' : formatNumber(value));
    const rows = [
      ['evaluating a round of 1,000 rules, ms', number(result.roundMs), number(result.peerRoundMs)],
      ['resident memory, MB', number(result.residentMB), number(result.peerResidentMB)],
      ['of which before the rules, MB', number(result.residentBeforeMB), ''],
      ['longest pause of the event loop, ms', number(result.longestPauseMs), ''],
      ['missed evaluations', number(missed), ''],
    ];
    process.stdout.write(`${table(['figure', 'Tidemark', 'Prometheus'], rows)}\n`);
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(out, `${JSON.stringify(result, undefined, 2)}\n`);
  } finally {
    await store.close();
    if (peer !== undefined) await stopServer(peer);
    rmSync(parent, { recursive: true, force: true });
  }
};
