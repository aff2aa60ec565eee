/** The metrics of rules in the store's registry. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { InspectionEvent } from 'xstate';
import { openStore, type Store } from '../../src/index.ts';
import { type RuleGroup, startRules } from '../../src/rules/index.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';

const group: RuleGroup = {
  name: 'rooms',
  interval: '1d',
  rules: [
    { record: 'temperature:max', expr: 'max(temperature)' },
    { alert: 'TooHot', expr: 'temperature > 30' },
    { alert: 'Broken', expr: 'temperature + on() group_left temperature' },
  ],
};

describe('the metrics of rules', () => {
  let store: Store;

  beforeEach(async () => {
    store = await openStore(temporaryDirectory(), { retention: 'off' });
  });

  afterEach(async () => {
    await store.close();
    removeTemporaryDirectories();
  });

  const reading = async (name: string, labels: Readonly<Record<string, string>>): Promise<number | undefined> => {
    const metric = await store.registry.getSingleMetric(`tidemark_rules_${name}`)?.get();
    return metric?.values.find((one) => Object.entries(labels).every(([label, value]) => one.labels[label] === value))
      ?.value;
  };

  /** Temperatures of two rooms; because there are two, the rule `Broken` fails. */
  const append = (time: number, kitchen: number): void => {
    store.append({ __name__: 'temperature', room: 'kitchen' }, time, kitchen);
    store.append({ __name__: 'temperature', room: 'hall' }, time, 20);
  };

  const until = async (holds: () => Promise<boolean>): Promise<void> => {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
  };

  it('count evaluations, failures, samples and alerts by state; they end with the rules', async () => {
    const rules = await startRules(store, group);
    const now = Date.now();
    append(now - 2000, 35);
    append(now - 1000, 20);
    append(now, 36);
    for (const at of [now - 2000, now - 1000, now]) await rules.evaluate(at);
    const ofGroup = { group: 'rooms' };
    expect(await reading('evaluations_total', ofGroup)).to.equal(9);
    expect(await reading('evaluation_failures_total', ofGroup)).to.equal(3);
    expect(await reading('group_evaluations_total', ofGroup)).to.equal(3);
    expect(await reading('missed_evaluations_total', ofGroup)).to.equal(0);
    // One of the recording rule; ALERTS and ALERTS_FOR_STATE of one alert.
    expect(await reading('last_samples', ofGroup)).to.equal(3);
    expect(await reading('last_evaluation_timestamp_seconds', ofGroup)).to.equal(now / 1000);
    expect(await reading('last_duration_seconds', ofGroup)).to.be.above(0);
    expect(await reading('alerts', { state: 'firing' })).to.equal(1);
    expect(await reading('alerts', { state: 'resolved' })).to.equal(0);
    expect(rules.groups()[0].rules[0].result).to.deep.equal({ series: 1, lowest: 36, highest: 36 });
    await rules.stop();
    expect(await reading('evaluations_total', ofGroup)).to.equal(undefined);
  });

  it('count notifications that a callback took, and those that it did not', async () => {
    let isFirst = true;
    const rules = await startRules(store, group, {
      onAlert: () => {
        if (isFirst) {
          isFirst = false;
          throw new Error('not now');
        }
      },
    });
    append(Date.now(), 35);
    await rules.evaluate();
    await store.flush();
    await until(async () => (await reading('notifications_sent_total', { receiver: 'onAlert' })) === 1);
    expect(await reading('notifications_failed_total', { receiver: 'onAlert' })).to.equal(1);
    await rules.stop();
  });

  it('count notifications of an Alertmanager, by an address without a password', async () => {
    const answers = [503, 200, 400];
    const server: Server = createServer((request, response) => {
      request.resume();
      request.on('end', () => response.writeHead(answers.shift() ?? 200).end());
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const alertmanagers = [{ url: `http://127.0.0.1:${port}/am/?key=secret` }];
    const rules = await startRules(store, group, { alertmanagers });
    const now = Date.now();
    const ofReceiver = { receiver: `http://127.0.0.1:${port}/am` };
    append(now - 1000, 35);
    await rules.evaluate(now - 1000);
    await store.flush();
    await until(async () => (await reading('notifications_sent_total', ofReceiver)) === 1);
    expect(await reading('notifications_failed_total', ofReceiver)).to.equal(1);
    append(now, 20);
    await rules.evaluate(now);
    await store.flush();
    await until(async () => (await reading('notifications_dropped_total', ofReceiver)) === 1);
    await rules.stop();
    server.close();
    server.closeAllConnections();
  });

  it('observe the actors of alerts only while there is an observer, and survive one that throws', async () => {
    const errors: string[] = [];
    const rules = await startRules(store, group, {
      onError: (error, where) => errors.push(`${where}: ${(error as Error).message}`),
    });
    const seen: string[] = [];
    const stop = rules.inspect((event: InspectionEvent) => seen.push(event.type));
    rules.inspect(() => {
      throw new Error('broken');
    });
    const now = Date.now();
    append(now - 1000, 35);
    await rules.evaluate(now - 1000);
    expect(seen).to.include('@xstate.microstep');
    expect(errors).to.include('inspect: broken');
    expect(rules.alertStates()).to.deep.equal({ pending: 0, firing: 1, active: 1, kept: 0, resolved: 0 });
    stop();
    const count = seen.length;
    append(now, 20);
    await rules.evaluate(now);
    expect(rules.alertStates().resolved).to.equal(1);
    expect(seen).to.have.length(count);
    await rules.stop();
  });
});
