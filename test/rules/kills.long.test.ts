/**
 * A process is killed at random while alerts go up and down. No alert is lost, none fires twice for one episode, and the
 * time that `for` asks for is not begun again by a restart. `TIDEMARK_KILLS` and `TIDEMARK_SEED` change a run.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect } from 'chai';
import { type AlertEvent, openStore } from '../../src/index.ts';
import { seeded } from '../support/seeded.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';

/** The `for` of the rule, milliseconds. */
const FOR_MS = 1000;

const kills = Number(process.env['TIDEMARK_KILLS'] ?? 100);
const seed = Number(process.env['TIDEMARK_SEED'] ?? 20261129);

/** Runs the writer and kills it some time after its rules have started, or after it began. Returns what it printed. */
const life = async (directory: string, delayMs: number, isEarly: boolean): Promise<AlertEvent[]> => {
  const writer = join(import.meta.dirname, 'alert-writer.js');
  const child = spawn(process.execPath, [writer, directory, String(FOR_MS)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  const started = new Promise<void>((resolve) => {
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString();
      if (output.includes('"started"')) resolve();
    });
  });
  const exit = once(child, 'exit');
  if (!isEarly) await Promise.race([started, exit]);
  const timer = setTimeout(() => child.kill('SIGKILL'), delayMs);
  const [code] = await exit;
  clearTimeout(timer);
  if (code !== null) throw new Error(`the writer has ended with ${code}`);
  return output
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as AlertEvent);
};

describe(`rules in a process that is killed ${kills} times`, () => {
  afterEach(removeTemporaryDirectories);

  it('lose no alert, fire once for each episode, and go on where they were', async () => {
    const random = seeded(seed).next;
    const directory = join(temporaryDirectory(), 'store');
    const delivered: AlertEvent[] = [];
    for (let kill = 0; kill < kills; kill++) {
      const isEarly = random() < 0.2;
      delivered.push(...(await life(directory, Math.round(random() * (isEarly ? 700 : 1500)), isEarly)));
    }
    // A last life is long enough to deliver what waits.
    delivered.push(...(await life(directory, 5000, false)));

    const store = await openStore(directory);
    const journal: AlertEvent[] = [];
    for await (const event of store.alertHistory()) journal.push(event);
    await store.close();

    const fired = journal.filter(({ type }) => type === 'alertFired');
    const again = `TIDEMARK_SEED=${seed} TIDEMARK_KILLS=${kills}`;
    expect(new Set(fired.map(({ episode }) => episode)).size, again).to.equal(fired.length);
    const deliveredKeys = new Set(delivered.map(({ type, episode }) => `${type} ${episode}`));
    // The last events may be younger than the last delivery.
    const settled = journal.filter(({ time }) => time < (delivered.at(-1)?.time ?? 0) - 1000);
    for (const event of settled) {
      if (event.type === 'alertFired' || (event.type === 'alertResolved' && event.was === 'firing')) {
        expect(deliveredKeys.has(`${event.type} ${event.episode}`), `${again}: ${JSON.stringify(event)}`).to.equal(
          true,
        );
      }
    }
    // What was delivered is in the journal: nothing was told that a crash took back.
    const journalKeys = new Set(journal.map(({ type, episode }) => `${type} ${episode}`));
    for (const key of deliveredKeys) expect(journalKeys.has(key), `${again}: ${key}`).to.equal(true);

    // Each series has one episode at a time: a restart begins none while another is open.
    const open = new Map<string | undefined, string>();
    let continued = 0;
    const restored = new Set<string>();
    const activeAt = new Map<string, number>();
    for (const event of journal) {
      const n = event.labels['n'];
      if (event.type === 'alertPending') {
        expect(open.get(n) ?? event.episode, `${again}: a second episode`).to.equal(event.episode);
        open.set(n, event.episode);
        activeAt.set(event.episode, event.activeAt);
        if (event.restored) restored.add(event.episode);
      } else if (event.type === 'alertFired') {
        expect(open.get(n), `${again}: fired without pending`).to.equal(event.episode);
        expect(event.time - (activeAt.get(event.episode) ?? 0), again).to.be.at.least(FOR_MS);
        if (restored.has(event.episode)) continued++;
      } else open.delete(n);
    }
    if (kills < 20) return;
    expect(fired.length, 'alerts that fired').to.be.greaterThan(5);
    expect(continued, 'alerts that were pending over a kill and fired').to.be.greaterThan(0);
  }).timeout(1_200_000);
});
