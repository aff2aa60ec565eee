/** Alerts on a store whose clock the test moves: states, events, series, restarts, delivery. */
import { expect } from 'chai';
import type { AlertEvent, Labels } from '../../src/index.ts';
import { type RuleGroup, type RulesOptions, type RunningRules, startRules } from '../../src/rules/index.ts';
import { type Machine, MINUTE_MS, openMachine, START_MS } from '../store/support.ts';

const tooHot: RuleGroup = {
  name: 'rooms',
  interval: '1m',
  rules: [
    { record: 'room:temperature:max', expr: 'max by (room) (temperature)', labels: { level: 'room' } },
    {
      alert: 'TooHot',
      expr: 'room:temperature:max > 30',
      for: '3m',
      keepFiringFor: '2m',
      labels: { severity: '{{ if gt $value 40.0 }}page{{ else }}ticket{{ end }}' },
      annotations: { summary: '{{ $labels.room }} has {{ $value }} degrees' },
    },
  ],
};

/** A store with rules, and a temperature that is appended every minute. */
class Bench {
  machine!: Machine;
  rules!: RunningRules;
  temperature: number | undefined = 20;
  readonly delivered: AlertEvent[] = [];
  readonly errors: string[] = [];
  private group: RuleGroup;

  constructor(group: RuleGroup = tooHot) {
    this.group = group;
  }

  async start(options: RulesOptions = {}, group = this.group): Promise<this> {
    this.group = group;
    this.machine ??= await openMachine();
    const onAlert = (event: AlertEvent): void => {
      this.delivered.push(event);
    };
    const onError = (error: unknown): void => {
      this.errors.push(String(error));
    };
    this.rules = await startRules(this.machine.store, group, {
      onAlert,
      onError,
      clock: this.machine.clock,
      ...options,
    });
    return this;
  }

  async minutes(count: number, temperature = this.temperature): Promise<void> {
    this.temperature = temperature;
    for (let minute = 0; minute < count; minute++) {
      const { store, clock } = this.machine;
      if (this.temperature !== undefined) {
        store.append({ __name__: 'temperature', room: 'kitchen', sensor: 'a' }, clock.now(), this.temperature);
      }
      await this.machine.pass(MINUTE_MS, 5_000);
    }
  }

  async reopen(options: RulesOptions = {}, group = this.group): Promise<void> {
    await this.rules.stop();
    this.machine = await this.machine.reopen();
    await this.start(options, group);
  }

  async events(): Promise<string[]> {
    const found: string[] = [];
    for await (const event of this.machine.store.alertHistory()) found.push(event.type);
    return found;
  }

  async end(): Promise<void> {
    await this.rules.stop();
    await this.machine.store.close();
  }
}

const states = (rules: RunningRules): string[] => rules.alerts().map(({ state }) => state);

describe('an alert on a store', () => {
  it('is pending, fires after its time, is kept, and is resolved; each step is one event', async () => {
    const bench = await new Bench().start();
    await bench.minutes(3, 20);
    expect(states(bench.rules)).to.deep.equal([]);
    await bench.minutes(2, 35);
    expect(states(bench.rules)).to.deep.equal(['pending']);
    await bench.minutes(3);
    expect(states(bench.rules)).to.deep.equal(['firing']);
    expect(bench.rules.alerts()[0].annotations).to.deep.equal({ summary: 'kitchen has 35 degrees' });
    expect(bench.rules.alerts()[0].labels).to.deep.equal({
      alertname: 'TooHot',
      level: 'room',
      room: 'kitchen',
      severity: 'ticket',
    });
    await bench.minutes(1, 20);
    expect(states(bench.rules)).to.deep.equal(['firing']);
    await bench.minutes(3);
    expect(states(bench.rules)).to.deep.equal([]);
    expect(await bench.events()).to.deep.equal(['alertPending', 'alertFired', 'alertResolved']);
    expect(bench.delivered.map(({ type }) => type)).to.deep.equal(['alertFired', 'alertResolved']);
    expect(new Set(bench.delivered.map(({ episode }) => episode)).size).to.equal(1);
    expect(bench.errors).to.deep.equal([]);
    await bench.end();
  });

  it('writes ALERTS and ALERTS_FOR_STATE, which end with a stale marker', async () => {
    const bench = await new Bench().start();
    await bench.minutes(6, 35);
    const { store, clock } = bench.machine;
    const alerts = await store.query('ALERTS', { at: clock.now() });
    const labels: Labels = { alertname: 'TooHot', level: 'room', room: 'kitchen', severity: 'ticket' };
    expect(alerts.series.map((one) => one.labels)).to.deep.equal([
      { __name__: 'ALERTS', alertstate: 'firing', ...labels },
    ]);
    const forState = await store.query('ALERTS_FOR_STATE', { at: clock.now() });
    expect(forState.series.map((one) => one.labels)).to.deep.equal([{ __name__: 'ALERTS_FOR_STATE', ...labels }]);
    expect(forState.series[0].values[0]).to.equal(Math.floor(bench.rules.alerts()[0].activeAt / 1000));
    await bench.minutes(5, 20);
    expect((await store.query('ALERTS', { at: clock.now() })).series).to.deep.equal([]);
    expect((await store.query('ALERTS_FOR_STATE', { at: clock.now() })).series).to.deep.equal([]);
    await bench.end();
  });

  it('that is pending and whose condition ends is withdrawn, and not delivered', async () => {
    const bench = await new Bench().start();
    await bench.minutes(2, 35);
    await bench.minutes(3, 20);
    expect(await bench.events()).to.deep.equal(['alertPending', 'alertResolved']);
    expect(bench.delivered).to.deep.equal([]);
    await bench.end();
  });

  it('goes on after a restart: its time is not begun anew, and it does not fire twice', async () => {
    const bench = await new Bench().start();
    await bench.minutes(2, 35);
    const [before] = bench.rules.alerts();
    expect(before.state).to.equal('pending');
    await bench.reopen();
    expect(bench.rules.alerts()).to.deep.equal([{ ...before, annotations: bench.rules.alerts()[0].annotations }]);
    await bench.minutes(2);
    expect(states(bench.rules)).to.deep.equal(['firing']);
    await bench.reopen();
    expect(states(bench.rules)).to.deep.equal(['firing']);
    await bench.minutes(2);
    expect(bench.delivered.map(({ type }) => type)).to.deep.equal(['alertFired']);
    await bench.minutes(4, 20);
    expect(bench.delivered.map(({ type }) => type)).to.deep.equal(['alertFired', 'alertResolved']);
    expect(await bench.events()).to.deep.equal(['alertPending', 'alertFired', 'alertResolved']);
    await bench.end();
  });

  it('counts only observed time after an outage, and begins again after a long one', async () => {
    const bench = await new Bench().start();
    await bench.minutes(1, 35);
    const [before] = bench.rules.alerts();
    await bench.rules.stop();
    await bench.minutes(20);
    await bench.start();
    const [after] = bench.rules.alerts();
    expect(after.activeAt - before.activeAt).to.be.within(18 * MINUTE_MS, 20 * MINUTE_MS);
    expect(after.episode).to.equal(before.episode);
    expect(states(bench.rules)).to.deep.equal(['pending']);
    await bench.rules.stop();
    await bench.minutes(70);
    await bench.start();
    expect(bench.rules.alerts()).to.deep.equal([]);
    expect((await bench.events()).at(-1)).to.equal('alertResolved');
    await bench.end();
  });

  it('is resolved when its rule is gone', async () => {
    const bench = await new Bench().start();
    await bench.minutes(6, 35);
    await bench.reopen({}, { ...tooHot, rules: tooHot.rules.slice(0, 1) });
    await bench.minutes(1);
    const last = bench.delivered.at(-1);
    expect(last).to.include({ type: 'alertResolved', reason: 'ruleRemoved', was: 'firing' });
    await bench.end();
  });

  it('is restored from its series alone when the journal has no event of it', async () => {
    const machine = await openMachine();
    const labels = { alertname: 'TooHot', level: 'room', room: 'kitchen', severity: 'ticket' };
    for (const minute of [0, 1, 2]) {
      const at = START_MS - (3 - minute) * MINUTE_MS;
      machine.store.append({ __name__: 'ALERTS_FOR_STATE', ...labels }, at, START_MS / 1000 - 3600);
      machine.store.append({ __name__: 'ALERTS', alertstate: 'firing', ...labels }, at, 1);
    }
    const bench = new Bench();
    bench.machine = machine;
    await bench.start();
    expect(bench.rules.alerts()).to.have.length(1);
    expect(bench.rules.alerts()[0]).to.include({ state: 'firing', activeAt: START_MS - 3_600_000 });
    await bench.minutes(2, 35);
    expect(bench.delivered).to.deep.equal([]);
    await bench.end();
  });

  it('is delivered again until the callback succeeds', async () => {
    let calls = 0;
    const bench = await new Bench().start({
      onAlert: () => {
        calls++;
        if (calls < 3) throw new Error('not now');
      },
    });
    await bench.minutes(7, 35);
    expect(calls).to.equal(3);
    expect(bench.errors).to.deep.equal(['Error: not now', 'Error: not now']);
    await bench.end();
  });

  it('fails with its rule when the group has a limit, without stopping the other rules', async () => {
    const group: RuleGroup = {
      name: 'limited',
      interval: '1m',
      limit: 1,
      rules: [
        {
          alert: 'Many',
          expr: 'label_replace(vector(1), "n", "1", "", "") or label_replace(vector(1), "n", "2", "", "")',
        },
        { record: 'one', expr: '1' },
        { record: 'same', expr: 'label_replace(vector(1), "n", "1", "", "") or vector(1)', labels: { n: 'x' } },
      ],
    };
    const bench = await new Bench(group).start();
    await bench.minutes(2);
    const [state] = bench.rules.groups();
    expect(state.rules.map(({ health }) => health)).to.deep.equal(['err', 'ok', 'err']);
    expect(state.rules[0].lastError).to.equal('exceeded limit of 1 with 2 alerts');
    expect(state.rules[2].lastError).to.contain('same labelset after applying rule labels');
    expect(bench.rules.alerts()).to.deep.equal([]);
    await bench.end();
  });

  it('is shown with its group and its rule', async () => {
    const bench = await new Bench().start();
    await bench.minutes(6, 35);
    const [alert] = bench.rules.alerts();
    expect(alert).to.include({ state: 'firing', value: 35 });
    const [group] = bench.rules.groups();
    expect(group).to.include({ name: 'rooms', intervalMs: 60_000 });
    expect(group.rules.map(({ type }) => type)).to.deep.equal(['recording', 'alerting']);
    expect(group.rules[1]).to.deep.include({ state: 'firing', forMs: 180_000, keepFiringForMs: 120_000 });
    await bench.end();
  });

  it('costs no transition while it goes on firing', async () => {
    let transitions = 0;
    const bench = await new Bench().start({
      inspect: ({ type }) => {
        if (type === '@xstate.snapshot') transitions++;
      },
    });
    await bench.minutes(6, 35);
    const before = transitions;
    expect(before).to.be.greaterThan(0);
    await bench.minutes(5);
    expect(transitions).to.equal(before);
    await bench.end();
  });
});
