/** `tidemark subscriptions`: what it lists, and what it removes. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import * as library from '../../src/index.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';
import { runInProcess } from './run-in-process.ts';

describe('tidemark subscriptions', () => {
  let directory: string;

  const cli = (...args: string[]) => runInProcess(['subscriptions', directory, ...args], { library });

  beforeEach(async () => {
    directory = join(temporaryDirectory(), 'data');
    const store = await library.openStore(directory, { retention: 'off' });
    await store.subscribe('mirror', { from: 'start' }).close();
    await store.subscribe('forward', { from: 'start' }).close();
    store.append({ __name__: 'm' }, 1000, 1);
    await store.close();
  });

  afterEach(removeTemporaryDirectories);

  it('lists each with its position and what follows', async () => {
    const { exitCode, out } = await cli();
    expect(exitCode).to.equal(0);
    expect(out).to.match(/^forward +position \d+ +\S+ \w+ behind\nmirror +position \d+ +\S+ \w+ behind\n$/);
    const lines = (await cli('--json')).out.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).name)).to.have.members(['mirror', 'forward']);
  });

  it('removes one by its name, and keeps the others', async () => {
    expect(await cli('--remove', 'mirror')).to.deep.equal({ exitCode: 0, out: 'Removed mirror.\n', err: '' });
    expect((await cli()).out).to.match(/^forward .*\n$/);
    await cli('--remove', 'forward');
    expect(await cli()).to.deep.equal({ exitCode: 0, out: '', err: 'There are no subscriptions.\n' });
  });

  it('forgets how far a forwarding with this name has come, so that it begins again', async () => {
    const place = join(directory, 'forwarding', 'forward.json');
    mkdirSync(join(directory, 'forwarding'));
    writeFileSync(place, '{"version":1,"name":"forward","phase":"history","window":5}');
    await cli('--remove', 'forward');
    expect(existsSync(place)).to.equal(false);
  });

  it('names the subscriptions that there are, or the one that was meant', async () => {
    expect(await cli('--remove', 'miror')).to.deep.equal({
      exitCode: 1,
      out: '',
      err: 'tidemark: The directory has no subscription "miror". Did you mean mirror?\n',
    });
    expect((await cli('--remove', 'other')).err).to.contain('Its subscriptions: ');
  });
});
