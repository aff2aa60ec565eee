/** `tidemark serve --demo` as a process: within a minute everything has happened, as the events of the store tell. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ask } from '../http/http-client.ts';
import { waitUntil } from '../support/wait-until.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.js');

const awaited = [
  'seriesCreated',
  'chunksPersisted',
  'seriesArchived',
  'seriesUnarchived',
  'seriesQuarantined',
  'seriesPurged',
  'checkpointWritten',
  'pressureChanged',
  'alertPending',
  'alertFired',
  'alertResolved',
];

describe('tidemark serve --demo, for a minute', function () {
  this.timeout(90_000);

  it('creates, persists, archives, wakes, quarantines and deletes series, and leaves nothing behind', async () => {
    const child = spawn(process.execPath, [main, 'serve', '--demo', '--port', '0'], {
      env: { ...process.env, NO_COLOR: '1' },
    });
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
    });
    try {
      await waitUntil(() => out.endsWith('\n'));
      const begun = Date.now();
      const { port, searchParams } = new URL(out.trim());
      const path = `/metrics?token=${searchParams.get('token')}`;
      let missing: readonly string[] = awaited;
      await waitUntil(async () => {
        const { body } = await ask(Number(port), path);
        missing = awaited.filter((type) => !body.includes(`tidemark_events_total{type="${type}"}`));
        return missing.length === 0 || Date.now() - begun > 60_000;
      });
      expect(missing, err).to.deep.equal([]);
      const directory = /A store in (\S+), which is removed/.exec(err)?.[1] ?? '';
      expect(existsSync(directory)).to.equal(true);
      child.kill('SIGTERM');
      expect(await ended, err).to.equal(0);
      expect(existsSync(directory)).to.equal(false);
      expect(err).to.match(/The file of sensor_vibration\{sensor="sensor-1"\} was damaged/);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
