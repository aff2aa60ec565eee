/** Each witness of the lock by itself: any of them is enough. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { askHolder, bindSocket, closeSocket, socketNames } from '../../../src/files/claim-socket.ts';
import { addOpen, findOpen, type OpenDirectory, removeOpen } from '../../../src/files/open-directories.ts';
import { identityOf, isRunning, parseIdentity } from '../../../src/files/process-identity.ts';

describe('the table of open directories', () => {
  const entry = (token: string): OpenDirectory => ({
    token,
    pid: 1,
    host: 'garden',
    since: 0,
    isMarked: false,
    isInPlace: () => true,
  });

  it('finds a directory by any of its names, until it is taken out', () => {
    const first = entry('first');
    addOpen(['1-2', 'path'], first);
    expect(findOpen(['1-2', 'another path'])).to.equal(first);
    expect(findOpen(['1-3', 'path'])).to.equal(first);
    expect(findOpen(['1-3', 'another path'])).to.equal(undefined);
    const second = entry('second');
    addOpen(['1-2'], second);
    removeOpen(['1-2', 'path'], first);
    expect(findOpen(['1-2'])).to.equal(second);
    expect(findOpen(['path'])).to.equal(undefined);
    removeOpen(['1-2'], second);
  });

  it('is one for all copies of the package in a process, and not among the names of globalThis', async () => {
    const first = entry('first');
    addOpen(['3-4'], first);
    const url = new URL('../../../src/files/open-directories.js?another', import.meta.url).href;
    const copy = (await import(url)) as { findOpen: typeof findOpen };
    expect(copy.findOpen).to.not.equal(findOpen);
    expect(copy.findOpen(['3-4'])).to.equal(first);
    const key = Symbol.for('tidemark.openDirectories');
    expect(Object.getOwnPropertyDescriptor(globalThis, key)?.enumerable).to.equal(false);
    removeOpen(['3-4'], first);
  });
});

describe('the socket of a directory', () => {
  let name: string;

  beforeEach(function () {
    const [best] = socketNames(`test-${randomUUID()}`);
    if (best === undefined) return this.skip();
    name = best;
  });

  it('is bound once, tells who has it, and is free when it is closed', async () => {
    const server = await bindSocket(name, () => 'held');
    if (typeof server === 'string') throw new Error(server);
    expect(await bindSocket(name, () => 'second')).to.equal('taken');
    expect(await askHolder(name)).to.equal('held');
    await closeSocket(server);
    expect(await askHolder(name)).to.equal('gone');
    const again = await bindSocket(name, () => 'again');
    if (typeof again === 'string') throw new Error(again);
    await closeSocket(again);
  });

  it('is free when it is closed, also while a process that connected stays', async () => {
    const server = await bindSocket(name, () => 'held');
    if (typeof server === 'string') throw new Error(server);
    const staying = connect({ path: name, allowHalfOpen: true });
    await once(staying.resume(), 'end');
    await closeSocket(server);
    expect(await askHolder(name)).to.equal('gone');
    staying.destroy();
  });

  it('is free as soon as the process that has it is killed, and taken while that one only stands still', async () => {
    const module = fileURLToPath(new URL('../../../src/files/claim-socket.js', import.meta.url));
    const program = `import(${JSON.stringify(module)}).then(async ({ bindSocket }) => {
      await bindSocket(${JSON.stringify(name)}, () => 'child');
      console.log('bound');
      setInterval(() => {}, 1000);
    });`;
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(child.stdout, 'data');
      expect(await bindSocket(name, () => 'second')).to.equal('taken');
      child.kill('SIGSTOP');
      expect(await bindSocket(name, () => 'second')).to.equal('taken');
      expect(await askHolder(name), 'no answer').to.equal(undefined);
    } finally {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    }
    const server = await bindSocket(name, () => 'second');
    if (typeof server === 'string') throw new Error(server);
    await closeSocket(server);
  });
});

describe('the record of DIRTY', () => {
  it('is read back, and nothing else is taken for one', () => {
    const identity = identityOf('token', 1735689600000);
    expect(parseIdentity(JSON.stringify(identity))).to.deep.equal(identity);
    const others = ['', '{', 'null', '[]', '5', '"x"', '{}', '{"pid":1,"host":"a","since":1}'];
    for (const text of [...others, JSON.stringify({ ...identity, pid: 'x' }), JSON.stringify({ ...identity, host: 1 })])
      expect(parseIdentity(text), text).to.equal(undefined);
  });

  it('of this very process is none of another one', () => {
    expect(isRunning(identityOf('token', 0))).to.equal(false);
    expect(isRunning({ ...identityOf('token', 0), pid: -1 })).to.equal(false);
  });
});
