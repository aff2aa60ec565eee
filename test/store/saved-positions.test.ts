/** Where the journal goes on when its end is gone, and a subscription had been there. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { openStore } from '../../src/index.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';

describe('The positions that subscriptions saved', () => {
  afterEach(removeTemporaryDirectories);

  it('are not used again after the journal lost its end', async () => {
    const directory = temporaryDirectory();
    const first = await openStore(directory, { retention: 'off' });
    first.append({ __name__: 'm' }, 1, 1);
    await first.flush();
    first.subscribe('a', { from: 'start' });
    await first.close();
    const file = join(directory, 'journal', 'subscriptions', 'a.json');
    const { version, name } = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ version, name, position: 1_000_000 }));
    rmSync(join(directory, 'LAST_CLOSE'));

    const second = await openStore(directory, { retention: 'off' });
    const { journal } = await second.info();
    expect(journal.end).to.be.above(1_000_000);
    const subscription = second.subscribe('a');
    second.append({ __name__: 'm' }, 2, 2);
    await second.flush();
    for await (const { events } of subscription) {
      const samples = events.find(({ type }) => type === 'samplesAppended');
      if (samples !== undefined) break;
    }
    await second.close();
  });
});
