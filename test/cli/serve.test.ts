/** `tidemark serve` as a process: its token, its address, and the options about who may ask. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { openStore } from '../../src/index.ts';
import { ask } from '../http/http-client.ts';
import { makeCertificate, opensslIsMissing } from '../support/certificate.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.js');

interface Serving {
  readonly url: URL;
  readonly port: number;
  readonly token: string;
  /** What stderr had when the address was printed. */
  readonly err: () => string;
  readonly stop: () => Promise<number | null>;
}

const children: ChildProcessWithoutNullStreams[] = [];

const start = (args: readonly string[]): ChildProcessWithoutNullStreams => {
  const child = spawn(process.execPath, [main, 'serve', ...args], { env: { ...process.env, NO_COLOR: '1' } });
  children.push(child);
  return child;
};

/** Starts `serve`; rejects with what it said if it ends before it prints its address. */
const serve = (directory: string, ...options: readonly string[]): Promise<Serving> =>
  new Promise((resolve, reject) => {
    const child = start([directory, '--port', '0', '--no-record', ...options]);
    const ended = new Promise<number | null>((done) => child.on('close', done));
    let [out, err] = ['', ''];
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
    });
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      if (!out.endsWith('\n')) return;
      const url = new URL(out.trim());
      resolve({
        url,
        port: Number(url.port),
        token: url.searchParams.get('token') ?? '',
        err: () => err,
        stop: () => {
          child.kill('SIGTERM');
          return ended;
        },
      });
    });
    void ended.then((code) => reject(new Error(`serve ended with ${code}: ${err}`)));
  });

const refused = (...args: readonly string[]): { readonly code: number | null; readonly err: string } => {
  const { status, stderr } = spawnSync(process.execPath, [main, 'serve', ...args], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { code: status, err: stderr };
};

describe('tidemark serve', () => {
  const statusOf = async ({ port }: Serving, headers: Record<string, string>): Promise<number> =>
    (await ask(port, '/api/v1/labels', { headers })).status;

  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    removeTemporaryDirectories();
  });

  it('prints its address when the store is open, and says before that it opens', async () => {
    const directory = join(temporaryDirectory(), 'data');
    const serving = await serve(directory);
    expect(serving.err()).to.contain(`Opening ${directory}`);
    expect((await ask(serving.port, '/-/ready')).status).to.equal(200);
    const second = refused(directory, '--port', '0');
    expect(second.code).to.equal(4);
    expect(second.err).not.to.contain('http://');
    expect(await serving.stop()).to.equal(0);
  });

  it('keeps its token in a file for the owner alone, so that a tab goes on after a restart', async () => {
    const directory = join(temporaryDirectory(), 'data');
    const file = join(directory, 'HTTP_TOKEN');
    const first = await serve(directory);
    expect(readFileSync(file, 'utf8')).to.equal(`${first.token}\n`);
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).to.equal(0o600);
    await first.stop();
    const second = await serve(directory);
    expect(second.token).to.equal(first.token);
    expect(await statusOf(second, { authorization: `Bearer ${first.token}` })).to.equal(200);
    await second.stop();
  });

  it('does not use a token again that others could read, or that is none', async function () {
    if (process.platform === 'win32') this.skip();
    const directory = join(temporaryDirectory(), 'data');
    const file = join(directory, 'HTTP_TOKEN');
    const first = await serve(directory);
    await first.stop();
    chmodSync(file, 0o644);
    const second = await serve(directory);
    expect(second.token).not.to.equal(first.token);
    expect(second.err()).to.contain('can be read by others');
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    await second.stop();
    writeFileSync(file, 'short\n');
    const third = await serve(directory);
    expect(third.token).to.match(/^[0-9a-f]{32}$/);
    await third.stop();
  });

  it('goes on with another token at each start if it cannot keep one', async () => {
    const directory = temporaryDirectory();
    await (await openStore(directory)).close();
    // A directory in the file's place can't be replaced by a file, whoever the user is.
    mkdirSync(join(directory, 'HTTP_TOKEN', 'x'), { recursive: true });
    const serving = await serve(directory);
    expect(serving.token).to.match(/^[0-9a-f]{32}$/);
    expect(serving.err()).to.contain("can't be kept");
    await serving.stop();
  });

  it('writes no given token down, and none into a backup', async () => {
    const folder = temporaryDirectory();
    const directory = join(folder, 'data');
    const given = await serve(directory, '--token', 'given-token');
    await given.stop();
    expect(existsSync(join(directory, 'HTTP_TOKEN'))).to.equal(false);
    await (await serve(directory)).stop();
    const store = await openStore(directory);
    await store.backup(join(folder, 'copy'));
    await store.close();
    expect(existsSync(join(directory, 'HTTP_TOKEN'))).to.equal(true);
    expect(existsSync(join(folder, 'copy', 'HTTP_TOKEN'))).to.equal(false);
    expect(spawnSync(process.execPath, [main, 'check', directory]).status).to.equal(0);
  });

  it('takes allowed hosts, origins and a trusted proxy', async () => {
    const serving = await serve(
      join(temporaryDirectory(), 'data'),
      ...['--allowed-host', 'a.example', '--allowed-host', 'b.example', '--trust-proxy'],
      ...['--cors-origin', 'https://tools.example'],
    );
    const authorization = `Bearer ${serving.token}`;
    for (const host of ['a.example', 'b.example'])
      expect(await statusOf(serving, { authorization, 'x-forwarded-host': host })).to.equal(200);
    expect(await statusOf(serving, { authorization, host: 'c.example' })).to.equal(403);
    expect(await statusOf(serving, { authorization, origin: 'https://tools.example' })).to.equal(200);
    await serving.stop();
  });

  it('gives the store the memory target of the command line', async () => {
    const serving = await serve(join(temporaryDirectory(), 'data'), '--memory-target', '1M');
    const { body } = await ask(serving.port, '/metrics', { headers: { authorization: `Bearer ${serving.token}` } });
    expect(body).to.match(/^prometheus_local_storage_target_heap_size_bytes 1048576$/m);
    expect(await serving.stop()).to.equal(0);
  });

  it('prints an address of this machine where it listens on all of them', async () => {
    const serving = await serve(join(temporaryDirectory(), 'data'), '--host', '0.0.0.0');
    expect(serving.url.hostname).not.to.equal('0.0.0.0');
    expect((await fetch(new URL(`/api/v1/labels${serving.url.search}`, serving.url))).status).to.equal(200);
    await serving.stop();
  });

  it('refuses contradictions and wrong files with the reason', () => {
    const folder = temporaryDirectory();
    const data = join(folder, 'data');
    const text = join(folder, 'text.pem');
    writeFileSync(text, 'no certificate');
    const cases: readonly (readonly [readonly string[], string])[] = [
      [['--write', '--no-token'], '--write needs a token'],
      [['--memory-target', '12k'], '--memory-target takes a number of bytes or a size'],
      [['--tls-cert', text], '--tls-cert and --tls-key need each other'],
      [['--tls-cert', join(folder, 'none.pem'), '--tls-key', text], "none.pem can't be read: there is no such file"],
      [['--tls-cert', text, '--tls-key', text], `--tls-cert ${text} is not a certificate in PEM`],
      [['--allowed-host', ''], 'allowedHosts is ""'],
      [['--cors-origin', 'tools.example'], 'corsOrigins is "tools.example"'],
    ];
    for (const [options, message] of cases) {
      const { code, err } = refused(data, ...options);
      expect({ code, says: err.includes(message) }, err).to.deep.equal({ code: 2, says: true });
    }
    expect(existsSync(data)).to.equal(false);
  });

  it('serves HTTPS with a certificate', async function () {
    const folder = temporaryDirectory();
    const made = makeCertificate(folder);
    if (made === undefined) {
      process.stderr.write(`skipped: ${opensslIsMissing}\n`);
      this.skip();
    }
    const serving = await serve(join(folder, 'data'), '--tls-cert', made.certPath, '--tls-key', made.keyPath);
    expect(serving.url.protocol).to.equal('https:');
    expect(await serving.stop()).to.equal(0);
  });
});
