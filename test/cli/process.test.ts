import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ask } from '../http/http-client.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.js');

const start = (args: readonly string[]): ChildProcessWithoutNullStreams =>
  spawn(process.execPath, [main, ...args], { env: { ...process.env, NO_COLOR: '1' } });

interface Ended {
  readonly exitCode: number | null;
  readonly out: string;
  readonly err: string;
}

const ended = (child: ChildProcessWithoutNullStreams): Promise<Ended> =>
  new Promise((resolve) => {
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
    });
    child.on('close', (exitCode) => resolve({ exitCode, out, err }));
  });

const run = (args: readonly string[], input = ''): Promise<Ended> => {
  const child = start(args);
  child.stdin.end(input);
  return ended(child);
};

/** Resolves when the stream has said something that matches. */
const hears = (stream: NodeJS.ReadableStream, pattern: RegExp): Promise<RegExpExecArray> =>
  new Promise((resolve) => {
    let text = '';
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const match = pattern.exec(text);
      if (match !== null) resolve(match);
    });
  });

/** Every file of a directory with its size, time of modification and bytes. */
const pictureOf = (directory: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const path = join(entry.parentPath, entry.name);
        return [path, `${statSync(path).mtimeMs} ${readFileSync(path).toString('base64')}`];
      }),
  );

/** Bytes that have arrived in the journal of a store that may not be there yet. */
const journalBytes = (directory: string): number => {
  const journal = join(directory, 'journal');
  if (!existsSync(journal)) return 0;
  return readdirSync(journal).reduce((sum, name) => sum + statSync(join(journal, name)).size, 0);
};

const lines = (count: number, name = 'm'): string =>
  Array.from(
    { length: count },
    (_, i) =>
      `{"metric":{"__name__":"${name}","i":"${i % 50}"},"values":[${i}],"timestamps":[${1_700_000_000_000 + i}]}\n`,
  ).join('');

describe('the tidemark command', function () {
  this.timeout(30_000);
  let folder: string;
  let data: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tidemark-cli-'));
    data = join(folder, 'data');
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('imports, and dumps exactly what it imported without touching the directory', async () => {
    const input =
      '{"metric":{"__name__":"a","x":"1"},"values":["7ff0000000000002","8000000000000000","7ff8dead0000beef"],"timestamps":[1,2,3]}\n' +
      '{"metric":{"__name__":"b"},"values":["3ff0000000000000"],"timestamps":[-5]}\n';
    expect(await run(['import', data, '--bits'], input)).to.deep.equal({
      exitCode: 0,
      out: '',
      err: 'Imported 4 samples of 2 series.\n',
    });
    const before = pictureOf(data);
    expect(await run(['dump', data, '--bits'])).to.deep.equal({ exitCode: 0, out: input, err: '' });
    expect((await run(['info', data, '--json'])).exitCode).to.equal(0);
    expect((await run(['events', data])).exitCode).to.equal(0);
    expect(pictureOf(data)).to.deep.equal(before);
  });

  it('keeps what is far older than the retention', async () => {
    await run(['import', data, '--format', 'prometheus'], 'old 1 1000\n');
    await run(['import', data], 'new 1 1700000000000\n');
    expect((await run(['dump', data])).out)
      .to.contain('"old"')
      .and.contain('"new"');
  });

  it('ends quietly when the reader of its output goes away', async () => {
    await run(['import', data], lines(20_000));
    const child = start(['dump', data, '--bits']);
    child.stdin.end();
    const end = ended(child);
    child.stdout.once('data', () => child.stdout.destroy());
    const { exitCode, err } = await end;
    expect({ exitCode, err }).to.deep.equal({ exitCode: 0, err: '' });
  });

  it('keeps what was imported when Ctrl-C ends an import, and says how much', async () => {
    const child = start(['import', data]);
    const end = ended(child);
    child.stdin.on('error', () => {});
    child.stdin.write(lines(500));
    while (journalBytes(data) < 2000) await new Promise((resolve) => setImmediate(resolve));
    child.stdin.write(lines(1, 'last'), () => child.kill('SIGINT'));
    const { exitCode, err } = await end;
    expect(exitCode).to.equal(130);
    const said = Number(/^Interrupted: ([\d,]+) sample/m.exec(err)?.[1].replace(/,/g, ''));
    const kept = (await run(['dump', data])).out.split('\n').filter((line) => line !== '');
    const samples = kept.reduce((sum, line) => sum + JSON.parse(line).values.length, 0);
    expect(samples).to.equal(said);
  });

  it('tells a SIGTERM from a Ctrl-C by its exit code', async () => {
    const child = start(['import', data]);
    const end = ended(child);
    child.stdin.on('error', () => {});
    child.stdin.write(lines(500));
    while (journalBytes(data) < 2000) await new Promise((resolve) => setImmediate(resolve));
    child.kill('SIGTERM');
    const { exitCode, err } = await end;
    expect(exitCode).to.equal(143);
    expect(err).to.match(/^Interrupted: /m);
  });

  it('says that a directory is in use with exit code 4', async () => {
    const child = start(['import', data]);
    child.stdin.write('up 1\n');
    while (!readdirSync(folder).includes('data') || !readdirSync(data).includes('DIRTY'))
      await new Promise((resolve) => setImmediate(resolve));
    const { exitCode, err } = await run(['import', data], 'up 1\n');
    expect(exitCode).to.equal(4);
    expect(err).to.match(/^tidemark: TIDEMARK_LOCKED: /);
    child.stdin.end();
    expect((await ended(child)).exitCode).to.equal(0);
  });

  it('says that a directory is none of a store with exit code 1, and leaves it alone', async () => {
    const { exitCode, err } = await run(['info', join(folder, 'nothing')]);
    expect(exitCode).to.equal(1);
    expect(err).to.match(/^tidemark: TIDEMARK_NOT_A_STORE: .*\n$/);
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('serves: prints the address, records this machine, closes at the first Ctrl-C', async () => {
    const child = start(['serve', data, '--port', '0']);
    const end = ended(child);
    const [, url, port, token] = await hears(child.stdout, /(http:\/\/127\.0\.0\.1:(\d+)\/\?token=(\w+))\n/);
    expect(url).to.match(/^http/);
    const get = (path: string) => ask(Number(port), path, { headers: { authorization: `Bearer ${token}` } });
    for (;;) {
      const { body } = await get('/api/v1/label/__name__/values');
      if (body.includes('node_') && body.includes('process_cpu') && body.includes('tidemark_')) break;
      await new Promise((resolve) => setImmediate(resolve));
    }
    child.kill('SIGINT');
    const { exitCode, err } = await end;
    expect(exitCode).to.equal(0);
    expect(err).to.contain('Closed cleanly.');
    expect(JSON.parse((await run(['info', data, '--json'])).out).opened).to.equal('clean');
  });

  it('refuses to serve without a token beyond this machine', async () => {
    const { exitCode, err } = await run(['serve', data, '--no-token', '--host', '0.0.0.0']);
    expect(exitCode).to.equal(2);
    expect(err).to.contain('--no-token needs a --host of this machine alone');
  });

  it('says that a port is taken', async () => {
    const child = start(['serve', data, '--port', '0', '--no-record']);
    const end = ended(child);
    // The address is said before the store is open; only an open one is closed by a signal, an opening is given up.
    const serving = hears(child.stderr, /^Serving /m);
    const [, port] = await hears(child.stdout, /127\.0\.0\.1:(\d+)/);
    await serving;
    const { exitCode, err } = await run(['serve', join(folder, 'other'), '--port', port]);
    expect({ exitCode, err }).to.deep.equal({
      exitCode: 1,
      err: `tidemark: Port ${port} is taken; --port 0 takes a free one.\n`,
    });
    child.kill('SIGTERM');
    expect((await end).exitCode).to.equal(0);
  });

  it('prints a completion script that bash accepts and that completes verbs', async () => {
    const { out } = await run(['completion', 'bash']);
    const script = `${out}\nCOMP_WORDS=(tidemark du); COMP_CWORD=1; _tidemark; echo "\${COMPREPLY[@]}"`;
    expect(spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout).to.equal('dump\n');
  });
});
