/**
 * `tidemark serve --demo`: a store in which everything happens within a minute. Series are created, persisted, archived,
 * woken and deleted, files are damaged and quarantined, pressure rises and falls, checkpoints are written, alerts fire
 * and are resolved. It is loaded only when it is asked for.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Sample, SeriesColumns, Store, StoreOptions } from '../../index.ts';
import { codeOf, messageOf } from '../../text/error-text.ts';
import { formatLabels } from '../../text/label-text.ts';
import type { Terminal } from '../terminal.ts';
import { DemoChurn } from './demo-churn.ts';
import { damageSensor } from './demo-damage.ts';
import { type DemoDirectory, demoDirectory } from './demo-directory.ts';
import { DemoMetrics, demoMetadata } from './demo-metrics.ts';
import { demoRules } from './demo-rules.ts';

const historyMs = 3 * 3_600_000;
const historyStepMs = 15_000;
/** What happens again and again: the seconds after which it happens first, and from one time to the next. */
const rhythms = {
  samples: { first: 0, every: 1 },
  visits: { first: 1, every: 2 },
  jobs: { first: 1, every: 4 },
  bursts: { first: 12, every: 30 },
  damages: { first: 6, every: 20 },
} as const;
/** Damaged files stay in quarantine, so there are not ever more of them. */
const damagesMax = 12;

/** Short times and little memory: what takes minutes or hours elsewhere takes seconds. */
const demoOptions: StoreOptions = {
  headChunkTimeout: '4s',
  checkpointInterval: '15s',
  memoryTarget: 4 * 1024 * 1024,
  // The demo's samples need not survive a loss of power.
  syncSeriesFiles: 'never',
  retention: { time: '12h', rules: [{ selector: '{__name__="batch_upload_value"}', time: '5m' }] },
};

/** The history of the metrics until now, a column for each series. */
const historyOf = async (
  metrics: DemoMetrics,
  throughMs: number,
  breathe: () => Promise<void>,
): Promise<readonly SeriesColumns[]> => {
  const columns = new Map<string, { labels: Sample['labels']; timestamps: number[]; values: number[] }>();
  for (let time = throughMs - historyMs; time < throughMs; time += historyStepMs) {
    for (const { labels, timestamp, value } of metrics.at(time)) {
      const key = formatLabels(labels);
      const column = columns.get(key) ?? { labels, timestamps: [], values: [] };
      columns.set(key, column);
      column.timestamps.push(timestamp);
      column.values.push(value);
    }
    await breathe();
  }
  return [...columns.values()];
};

export class Demo {
  readonly directory: DemoDirectory;
  readonly options = demoOptions;
  /** The text of a rule file. */
  readonly rules = demoRules;
  private readonly terminal: Terminal;
  private readonly ended = new AbortController();
  private running: Promise<void> = Promise.resolve();

  private constructor(directory: DemoDirectory, terminal: Terminal) {
    this.directory = directory;
    this.terminal = terminal;
  }

  /** Throws a usage error for a directory that has content. */
  static prepare(named: string | undefined, terminal: Terminal): Demo {
    return new Demo(demoDirectory(named), terminal);
  }

  /** Fills the store with history, and says what is going to happen. Then it happens until {@link stop}. */
  async start(store: Store, now: () => number, breathe: () => Promise<void>): Promise<void> {
    const { path, isTemporary } = this.directory;
    this.say(`A store in ${path}${isTemporary ? ', which is removed at the end' : ''}.`);
    for (const metadata of demoMetadata) store.describe(metadata);
    const metrics = new DemoMetrics();
    await store.backfill(await historyOf(metrics, now(), breathe));
    this.say(
      'Every few seconds series are created, persisted, archived, woken and deleted. ' +
        'Every 15 seconds a checkpoint is written, and every 20 a file is damaged. ' +
        'Every 30 a burst of samples raises the pressure. Alerts fire and are resolved.',
    );
    this.running = this.run(store, metrics, now, breathe);
  }

  /** Ends what happens, before the store is closed. */
  async stop(): Promise<void> {
    this.ended.abort();
    await this.running;
  }

  private async run(
    store: Store,
    metrics: DemoMetrics,
    now: () => number,
    breathe: () => Promise<void>,
  ): Promise<void> {
    const churn = new DemoChurn(store, breathe);
    const again = (rhythm: keyof typeof rhythms, task: (n: number) => Promise<unknown>): Promise<void> =>
      this.again(rhythms[rhythm], now, task);
    await Promise.all([
      again('samples', async (second) => {
        store.appendBatch(metrics.at(now()));
        churn.work(second, now());
      }),
      again('visits', () => store.maintain()),
      again('jobs', () => churn.job(now())),
      again('bursts', () => churn.burst(now())),
      again('damages', (n) => this.damage(store, n + 1, now())),
    ]);
  }

  /** Does a task with its rhythm until the end. One that takes longer than the rhythm leaves out what it has missed. */
  private async again(
    { first, every }: { readonly first: number; readonly every: number },
    now: () => number,
    task: (n: number) => Promise<unknown>,
  ): Promise<void> {
    const { signal } = this.ended;
    const beginMs = now() + first * 1000;
    for (let n = 0; !signal.aborted; ) {
      // The pause is cut short at the end.
      await pause(Math.max(0, beginMs + n * every * 1000 - now()), undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      await this.attempt(() => task(n));
      n = Math.max(n + 1, Math.floor((now() - beginMs) / 1000 / every));
    }
  }

  private async damage(store: Store, n: number, nowMs: number): Promise<void> {
    if (n > damagesMax) return;
    const name = await damageSensor(store, n, nowMs);
    this.say(`The file of ${name} was damaged.${n === damagesMax ? ' It is the last one.' : ''}`);
  }

  /** A throttled store takes samples again soon; anything else is said, and the demo goes on. */
  private async attempt(task: () => Promise<unknown>): Promise<void> {
    try {
      await task();
    } catch (error) {
      const code = codeOf(error);
      if (code !== 'TIDEMARK_THROTTLED' && code !== 'TIDEMARK_CLOSED') this.say(messageOf(error));
    }
  }

  private say(text: string): void {
    this.terminal.err.say(`Demo: ${text}\n`);
  }
}
