/** Two openings of one directory for writing: exactly one of them gets it, whatever the path, process or thread. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { socketNames } from '../../../src/files/claim-socket.ts';
import { claimDirectory } from '../../../src/files/directory-claim.ts';
import type { DirectoryClaim } from '../../../src/files/file-system.ts';
import { identityOf } from '../../../src/files/process-identity.ts';
import { openStore, TidemarkError } from '../../../src/index.ts';
import { withDirectory } from '../../disk/support.ts';

const library = new URL('../../../src/index.js', import.meta.url).href;
const opener = fileURLToPath(new URL('./opener.js', import.meta.url));
const isLinux = process.platform === 'linux';

interface Opener {
  readonly process: ChildProcess;
  /** What it says next. */
  next(): Promise<string>;
  command(text: string): Promise<string>;
}

const start = (directory: string, { prefix = [] }: { prefix?: readonly string[] } = {}): Opener => {
  const [program = '', ...rest] = [...prefix, process.execPath, '--conditions=development', opener, directory, library];
  const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => String((await lines.next()).value);
  return {
    process: child,
    next,
    command: (text) => {
      child.stdin!.write(`${text}\n`);
      return next();
    },
  };
};

const end = async ({ process: child }: Opener): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
};

const codeOf = (said: string): string => (said === 'open' ? said : (JSON.parse(said) as { code: string }).code);

const errorOfOpening = async (directory: string): Promise<TidemarkError> => {
  try {
    await (await openStore(directory, { retention: 'off' })).close();
  } catch (error) {
    expect(error).to.be.instanceOf(TidemarkError);
    return error as TidemarkError;
  }
  throw new Error(`${directory} was opened`);
};

const assertOpens = async (directory: string): Promise<void> =>
  (await openStore(directory, { retention: 'off' })).close();

const claim = async (directory: string): Promise<DirectoryClaim> => {
  const outcome = await claimDirectory(directory, 0);
  if ('holder' in outcome) throw new Error('the directory is held');
  return outcome.claim;
};

describe('the lock in one process', () => {
  it('is seen through a symbolic link, a link to a parent, and a path that is not straight', () =>
    withDirectory(async (root) => {
      mkdirSync(join(root, 'a'));
      const directory = join(root, 'a', 'store');
      const store = await openStore(directory, { retention: 'off' });
      symlinkSync(directory, join(root, 'link'));
      symlinkSync(join(root, 'a'), join(root, 'b'));
      for (const path of ['link', 'b/store', 'a/../b/./store', 'a/store/']) {
        const error = await errorOfOpening(join(root, path));
        expect(error.code, path).to.equal('TIDEMARK_LOCKED');
        expect(error.details, path).to.include({ pid: process.pid, host: hostname() });
      }
      await store.close();
      await assertOpens(join(root, 'link'));
    }));

  it('is seen when the working directory has changed, and when the directory has been renamed', () =>
    withDirectory(async (root) => {
      const before = process.cwd();
      mkdirSync(join(root, 'a'));
      process.chdir(root);
      try {
        const store = await openStore('store', { retention: 'off' });
        process.chdir(join(root, 'a'));
        expect((await errorOfOpening(relative(process.cwd(), join(root, 'store')))).code).to.equal('TIDEMARK_LOCKED');
        renameSync(join(root, 'store'), join(root, 'moved'));
        expect((await errorOfOpening('../moved')).code).to.equal('TIDEMARK_LOCKED');
        renameSync(join(root, 'moved'), join(root, 'store'));
        await store.close();
        await assertOpens('../../store');
      } finally {
        process.chdir(before);
      }
    }));

  it('writes where the symbolic link led when the store was opened', () =>
    withDirectory(async (root) => {
      symlinkSync('first', join(root, 'link'));
      mkdirSync(join(root, 'first'));
      mkdirSync(join(root, 'second'));
      const store = await openStore(join(root, 'link'), { retention: 'off' });
      rmSync(join(root, 'link'));
      symlinkSync('second', join(root, 'link'));
      store.append({ __name__: 'a' }, 1000, 1);
      await store.close();
      const first = await openStore(join(root, 'first'), { retention: 'off' });
      expect(await first.metrics('a')).to.deep.equal([{ __name__: 'a' }]);
      await first.close();
    }));

  it('is shared by two copies of the package', () =>
    withDirectory(async (root) => {
      const directory = join(root, 'store');
      // Modules are told apart by their URL, so this one has a table of its own.
      const url = new URL('../../../src/files/directory-claim.js?second', import.meta.url).href;
      const second = (await import(url)) as { claimDirectory: typeof claimDirectory };
      expect(second.claimDirectory).to.not.equal(claimDirectory);
      const store = await openStore(directory, { retention: 'off' });
      expect(await second.claimDirectory(directory, 0)).to.have.property('holder');
      await store.close();
      const outcome = await second.claimDirectory(directory, 0);
      expect(outcome).to.have.property('claim');
      if ('claim' in outcome) await outcome.claim.release();
    }));

  it('lets exactly one of many openings in that begin at once', () =>
    withDirectory(async (root) => {
      symlinkSync('store', join(root, 'link'));
      mkdirSync(join(root, 'store'));
      const paths = Array.from({ length: 10 }, (_, i) => join(root, i % 2 === 0 ? 'store' : 'link'));
      const openings = await Promise.allSettled(paths.map((path) => openStore(path, { retention: 'off' })));
      const stores = openings.flatMap((opening) => (opening.status === 'fulfilled' ? [opening.value] : []));
      const codes = openings.flatMap((opening) => (opening.status === 'rejected' ? [opening.reason.code] : []));
      expect(stores.length).to.equal(1);
      expect(codes).to.deep.equal(Array(9).fill('TIDEMARK_LOCKED'));
      await stores[0]?.close();
    }));

  it('is not held by a directory that was removed, for a new one with the same inode', () =>
    withDirectory(async (root) => {
      const held = join(root, 'held');
      mkdirSync(held);
      const inode = statSync(held).ino;
      const old = await claim(held);
      writeFileSync(join(held, 'DIRTY'), JSON.stringify(old.identity));
      old.noteMarked(true);
      rmSync(held, { recursive: true });
      for (let i = 0; i < 20; i++) {
        const directory = join(root, `new-${i}`);
        mkdirSync(directory);
        if (statSync(directory).ino !== inode) continue;
        await (await claim(directory)).release();
      }
      await old.release();
    }));

  it('does not keep a reader out', () =>
    withDirectory(async (root) => {
      const store = await openStore(join(root, 'store'), { retention: 'off' });
      symlinkSync('store', join(root, 'link'));
      const reader = await openStore(join(root, 'link'), { readOnly: true, retention: 'off' });
      await reader.close();
      await store.close();
    }));
});

describe('the lock between threads of one process', () => {
  before(function () {
    if (!isLinux && process.platform !== 'win32') this.skip();
  });

  it('is seen through a symbolic link', () =>
    withDirectory(async (root) => {
      const directory = join(root, 'store');
      mkdirSync(directory);
      symlinkSync('store', join(root, 'link'));
      const worker = new Worker(opener, { workerData: { directory, library }, execArgv: ['--conditions=development'] });
      const next = async (): Promise<string> => String((await once(worker, 'message'))[0]);
      expect(await next()).to.equal('open');
      expect((await errorOfOpening(join(root, 'link'))).code).to.equal('TIDEMARK_LOCKED');
      worker.postMessage('read');
      expect(await next()).to.equal('done');
      expect((await errorOfOpening(join(root, 'link'))).code).to.equal('TIDEMARK_LOCKED');
      worker.postMessage('close');
      expect(await next()).to.equal('done');
      await assertOpens(join(root, 'link'));
      await worker.terminate();
    }));
});

describe('the lock between processes', () => {
  it('survives that the holder reads and closes every file of its directory, and ends with the holder', () =>
    withDirectory(async (root) => {
      const directory = join(root, 'store');
      const holder = start(directory);
      try {
        expect(await holder.next()).to.equal('open');
        expect(await holder.command('read')).to.equal('done');
        const error = await errorOfOpening(directory);
        expect(error.code).to.equal('TIDEMARK_LOCKED');
        expect(error.details).to.include({ directory, pid: holder.process.pid, host: hostname() });
        expect(error.message).to.match(new RegExp(`is open: process ${holder.process.pid} on .* since \\d{4}-`));
      } finally {
        await end(holder);
      }
      await assertOpens(directory);
    }));

  it('survives that the program copies its own directory', () =>
    withDirectory(async (root) => {
      const directory = join(root, 'store');
      const store = await openStore(directory, { retention: 'off' });
      cpSync(directory, join(root, 'copy'), { recursive: true });
      const second = start(directory);
      expect(codeOf(await second.next())).to.equal('TIDEMARK_LOCKED');
      await end(second);
      // DIRTY in the copy names this process, which does not have the copy open.
      await assertOpens(join(root, 'copy'));
      await store.close();
    }));

  it('lets exactly one of several processes in that open at once', () =>
    withDirectory(async (root) => {
      const directory = join(root, 'store');
      for (let round = 0; round < 2; round++) {
        const openers = Array.from({ length: 3 }, () => start(directory));
        const said = await Promise.all(openers.map((each) => each.next()));
        expect(said.map(codeOf).sort()).to.deep.equal([...Array(2).fill('TIDEMARK_LOCKED'), 'open']);
        await Promise.all(openers.map(end));
      }
      await assertOpens(directory);
    }));
});

describe('the name of the socket', () => {
  it('fills the address, so that runtimes which pad shorter names see the same one', () => {
    const names = socketNames('2049-1234');
    if (isLinux) expect(names.map((name) => Buffer.byteLength(name))).to.deep.equal([108, 107]);
    for (const name of names) expect(name).to.contain('2049-1234');
  });
});

describe('DIRTY as a witness', () => {
  /** A process that sleeps, with what DIRTY would say of it if it had no socket. */
  const sleeper = (): { readonly child: ChildProcess; readonly mark: Record<string, unknown> } => {
    const child = spawn('sleep', ['60']);
    const own = identityOf('token', 0);
    const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return { child, mark: { ...own, pid: child.pid, start: ticks } };
  };

  before(function () {
    if (!isLinux) this.skip();
  });

  const cases: readonly (readonly [string, Record<string, unknown>, boolean])[] = [
    ['of a running process without a socket', {}, true],
    ['of a running process with a socket of another network', { socketNamespace: 'net:[1]' }, true],
    ['of a running process whose clock was elsewhere', { since: 8e15 }, true],
    ['of a process whose id has been given away again', { start: '1' }, false],
    ['of before the machine started', { boot: 'another' }, false],
    ['of before the machine started, on another host', { boot: 'another', host: 'another' }, false],
    ['of a container with process ids of its own', { pidNamespace: 'pid:[1]' }, false],
    ['of a container with the same host name', { pidNamespace: 'pid:[1]', socketNamespace: 'net:[1]' }, false],
    ['of an older version', { token: undefined }, false],
  ];
  for (const [what, changes, isLocked] of cases) {
    it(`${what} ${isLocked ? 'keeps others out' : 'does not'}`, () =>
      withDirectory(async (root) => {
        const directory = join(root, 'store');
        await assertOpens(directory);
        const { child, mark } = sleeper();
        try {
          writeFileSync(join(directory, 'DIRTY'), JSON.stringify({ ...mark, ...changes }));
          if (isLocked) {
            const error = await errorOfOpening(directory);
            expect(error.code).to.equal('TIDEMARK_LOCKED');
            expect(error.details).to.include({ pid: child.pid });
          } else await assertOpens(directory);
        } finally {
          child.kill('SIGKILL');
          await once(child, 'exit');
        }
        await assertOpens(directory);
      }));
  }

  it('is looked at where the network is another one', function () {
    const isAllowed = spawnSync('unshare', ['--net', 'true']).status === 0;
    if (!isAllowed) this.skip();
    return withDirectory(async (root) => {
      const directory = join(root, 'store');
      const holder = start(directory, { prefix: ['unshare', '--net'] });
      try {
        expect(await holder.next()).to.equal('open');
        expect(await holder.command('read')).to.equal('done');
        expect((await errorOfOpening(directory)).details).to.include({ pid: holder.process.pid });
      } finally {
        await end(holder);
      }
      await assertOpens(directory);
    });
  });

  it('is looked at where the holder is in a container of its own', function () {
    const prefix = ['unshare', '--net', '--pid', '--fork', '--mount-proc'];
    if (spawnSync(prefix[0] as string, [...prefix.slice(1), 'true']).status !== 0) this.skip();
    return withDirectory(async (root) => {
      const directory = join(root, 'store');
      const holder = start(directory, { prefix: [...prefix, '--kill-child'] });
      try {
        expect(await holder.next()).to.equal('open');
        expect(await holder.command('read')).to.equal('done');
        expect((await errorOfOpening(directory)).code).to.equal('TIDEMARK_LOCKED');
      } finally {
        const exit = once(holder.process, 'exit');
        await holder.command('close');
        await exit;
      }
      await assertOpens(directory);
    });
  });

  it('is never empty, and never missing, while the store is open', () =>
    withDirectory(async (root) => {
      const directory = join(root, 'store');
      const store = await openStore(directory, { retention: 'off' });
      const mark = JSON.parse(readFileSync(join(directory, 'DIRTY'), 'utf8')) as Record<string, unknown>;
      expect(mark).to.include({ pid: process.pid, host: hostname() });
      expect(mark).to.include.keys('token', 'start', 'boot', 'pidNamespace', 'socketNamespace');
      await store.close();
    }));
});
