import { expect } from 'chai';
import type { FileSystem, OpenMode } from '../../src/files/file-system.ts';
import { SimulatedCrash } from './simulated-process.ts';
import { World } from './world.ts';

const write = (fileSystem: FileSystem, path: string, text: string, mode: OpenMode = 'create', sync = false): void => {
  const bytes = Buffer.from(text);
  const fd = fileSystem.open(path, mode);
  for (let done = 0; done < bytes.length; ) done += fileSystem.write(fd, bytes, done, bytes.length - done, null);
  if (sync) fileSystem.syncBlocking(fd);
  fileSystem.close(fd);
};

const read = (fileSystem: FileSystem, path: string): string | undefined => {
  const stat = fileSystem.stat(path);
  if (stat === undefined) return undefined;
  const bytes = Buffer.alloc(stat.size);
  const fd = fileSystem.open(path, 'read');
  for (let done = 0; done < bytes.length; ) done += fileSystem.read(fd, bytes, done, bytes.length - done, done);
  fileSystem.close(fd);
  return bytes.toString('latin1');
};

const newWorld = (seed: number, options: object = {}): { world: World; fileSystem: FileSystem } => {
  const world = new World({ seed, directory: '/store', ...options });
  const { fileSystem } = world.boot();
  fileSystem.makeDirectory('/store');
  fileSystem.syncDirectory('/');
  return { world, fileSystem };
};

/** What a reader finds after a loss of power, over many seeds. */
const outcomes = (
  prepare: (fileSystem: FileSystem, world: World) => void,
  path = '/store/a',
): Set<string | undefined> => {
  const found = new Set<string | undefined>();
  for (let seed = 1; seed <= 300; seed++) {
    const { world, fileSystem } = newWorld(seed, { mischief: 0 });
    prepare(fileSystem, world);
    world.crash('power');
    found.add(read(world.boot().fileSystem, path));
  }
  return found;
};

describe('The simulated disk', () => {
  describe('at a loss of power', () => {
    it('keeps a synced file with its synced name', () => {
      const found = outcomes((fileSystem) => {
        write(fileSystem, '/store/a', 'old', 'create', true);
        fileSystem.syncDirectory('/store');
      });
      expect([...found]).to.deep.equal(['old']);
    });

    it('loses, keeps or zeroes an append that was not synced', () => {
      const found = outcomes((fileSystem) => {
        write(fileSystem, '/store/a', 'old', 'create', true);
        fileSystem.syncDirectory('/store');
        write(fileSystem, '/store/a', 'new', 'append');
      });
      expect([...found].sort()).to.deep.equal(['old', 'old\0\0\0', 'oldnew']);
    });

    it('may lose the name of a synced file whose directory was not synced', () => {
      const found = outcomes((fileSystem) => write(fileSystem, '/store/a', 'x', 'create', true));
      expect(found).to.have.keys([undefined, 'x'] as never);
    });

    it('may lose everything below a directory whose own name was not synced', () => {
      const found = outcomes((fileSystem) => {
        fileSystem.makeDirectory('/store/below');
        write(fileSystem, '/store/below/a', 'x', 'create', true);
        fileSystem.syncDirectory('/store/below');
      }, '/store/below/a');
      expect(found).to.have.keys([undefined, 'x'] as never);
    });

    it('leaves either the old file or the new one after a rename of a synced file', () => {
      const found = outcomes((fileSystem) => {
        write(fileSystem, '/store/a', 'old', 'create', true);
        fileSystem.syncDirectory('/store');
        write(fileSystem, '/store/a.tmp', 'new', 'create', true);
        fileSystem.rename('/store/a.tmp', '/store/a');
      });
      expect(found).to.have.keys(['old', 'new'] as never);
    });

    it('may leave an empty file after a rename of a file that was not synced', () => {
      const found = outcomes((fileSystem) => {
        write(fileSystem, '/store/a', 'old', 'create', true);
        fileSystem.syncDirectory('/store');
        write(fileSystem, '/store/a.tmp', 'new');
        fileSystem.rename('/store/a.tmp', '/store/a');
      });
      expect(found).to.include('');
    });

    it('reorders renames: the later one may survive without the earlier', () => {
      const found = new Set<string>();
      for (let seed = 1; seed <= 300; seed++) {
        const { world, fileSystem } = newWorld(seed);
        for (const name of ['a', 'b']) write(fileSystem, `/store/${name}.tmp`, name, 'create', true);
        fileSystem.syncDirectory('/store');
        fileSystem.rename('/store/a.tmp', '/store/a');
        fileSystem.rename('/store/b.tmp', '/store/b');
        world.crash('power');
        const names = world
          .boot()
          .fileSystem.readDirectory('/store')
          .map(({ name }) => name);
        found.add(names.sort().join(' '));
      }
      expect(found).to.have.keys(['a b', 'a.tmp b', 'a b.tmp', 'a.tmp b.tmp'] as never);
    });

    it('does not bring back a replaced file after the replacement moved and both directories were synced', () => {
      const found = outcomes((fileSystem) => {
        fileSystem.makeDirectory('/store/from');
        fileSystem.makeDirectory('/store/to');
        fileSystem.syncDirectory('/store');
        write(fileSystem, '/store/from/a', 'old', 'create', true);
        write(fileSystem, '/store/from/a.tmp', 'new', 'create', true);
        fileSystem.rename('/store/from/a.tmp', '/store/from/a');
        fileSystem.rename('/store/from/a', '/store/to/a');
        fileSystem.syncDirectory('/store/to');
        fileSystem.syncDirectory('/store/from');
      }, '/store/from/a');
      expect([...found]).to.deep.equal([undefined]);
    });

    it('moves a file between directories as one change', () => {
      for (let seed = 1; seed <= 100; seed++) {
        const { world, fileSystem } = newWorld(seed);
        fileSystem.makeDirectory('/store/from');
        fileSystem.makeDirectory('/store/to');
        write(fileSystem, '/store/from/a', 'x', 'create', true);
        for (const path of ['/store', '/store/from', '/store/to']) fileSystem.syncDirectory(path);
        fileSystem.rename('/store/from/a', '/store/to/a');
        world.crash('power');
        const after = world.boot().fileSystem;
        expect([read(after, '/store/from/a'), read(after, '/store/to/a')].filter(Boolean)).to.deep.equal(['x']);
      }
    });

    it('tears a large write page by page and sector by sector', () => {
      const old = 'o'.repeat(16_384);
      const found = outcomes((fileSystem) => {
        write(fileSystem, '/store/a', old, 'create', true);
        fileSystem.syncDirectory('/store');
        write(fileSystem, '/store/a', 'n'.repeat(16_384));
      });
      const torn = [...found].filter((text) => text?.includes('o') && text.includes('n'));
      expect(torn.length).to.be.greaterThan(20);
      expect(torn.some((text) => /^n+o+$/.test(text!))).to.equal(true);
      for (const text of torn) {
        for (let start = 0; start < text!.length; start += 512)
          expect(new Set(text!.slice(start, start + 512)).size).to.equal(1);
      }
    });

    it('may leave the modification time behind the data when only data was synced', () => {
      const times = new Set<bigint>();
      for (let seed = 1; seed <= 50; seed++) {
        const { world, fileSystem } = newWorld(seed);
        write(fileSystem, '/store/a', 'x', 'create', true);
        fileSystem.syncDirectory('/store');
        world.timeline.spend(1_000_000);
        const fd = fileSystem.open('/store/a', 'append');
        fileSystem.write(fd, Buffer.from('y'), 0, 1, null);
        fileSystem.dataSyncBlocking(fd);
        world.crash('power');
        const after = world.boot().fileSystem;
        expect(read(after, '/store/a')).to.equal('xy');
        times.add(after.stat('/store/a')!.mtimeNs / 1_000_000_000n);
      }
      expect(times.size).to.equal(2);
    });

    it('makes durable with an asynchronous sync what was written before it began, and no later writes', async () => {
      const found = new Set<string | undefined>();
      for (let seed = 1; seed <= 100; seed++) {
        const { world, fileSystem } = newWorld(seed);
        write(fileSystem, '/store/a', '', 'create', true);
        fileSystem.syncDirectory('/store');
        const fd = fileSystem.open('/store/a', 'append');
        fileSystem.write(fd, Buffer.from('1'), 0, 1, null);
        const synced = fileSystem.dataSync(fd);
        fileSystem.write(fd, Buffer.from('2'), 0, 1, null);
        await world.run(() => synced);
        world.crash('power');
        found.add(read(world.boot().fileSystem, '/store/a'));
      }
      expect([...found].sort()).to.deep.equal(['1', '1\0', '12']);
    });
  });

  it('keeps everything written when the process is killed', () => {
    const { world, fileSystem } = newWorld(1);
    write(fileSystem, '/store/a', 'written');
    world.crash('kill');
    expect(read(world.boot().fileSystem, '/store/a')).to.equal('written');
  });

  it('crashes in the armed call, and in every call after it', async () => {
    const { world, fileSystem } = newWorld(1);
    world.disk.faults.arm({ fault: 'crash', operation: 'write', skip: 1 });
    const fd = fileSystem.open('/store/a', 'create');
    fileSystem.write(fd, Buffer.from('1'), 0, 1, null);
    expect(() => fileSystem.write(fd, Buffer.from('2'), 0, 1, null)).to.throw(SimulatedCrash);
    expect(() => fileSystem.close(fd)).to.throw(SimulatedCrash);
    expect(() => fileSystem.stat('/store/a')).to.throw(SimulatedCrash);
    expect((await world.run(() => fileSystem.sync(fd))).kind).to.equal('crashed');
  });

  it('forgets dirty pages when a sync fails, and lets the next sync succeed', () => {
    const found = outcomes((fileSystem, world) => {
      write(fileSystem, '/store/a', '', 'create', true);
      fileSystem.syncDirectory('/store');
      world.disk.faults.arm({ fault: 'EIO', operation: 'sync', skip: 0 });
      const fd = fileSystem.open('/store/a', 'append');
      fileSystem.write(fd, Buffer.from('x'), 0, 1, null);
      expect(() => fileSystem.syncBlocking(fd)).to.throw('EIO');
      fileSystem.syncBlocking(fd);
    });
    expect([...found].sort()).to.deep.equal(['\0', 'x']);
  });

  it('writes the bytes that fit and then refuses writes until space is freed', () => {
    const { world, fileSystem } = newWorld(1, { capacityBytes: 8192, mischief: 0 });
    const fd = fileSystem.open('/store/a', 'create');
    const bytes = Buffer.alloc(10_000);
    expect(fileSystem.write(fd, bytes, 0, bytes.length, null)).to.equal(8192);
    expect(() => fileSystem.write(fd, bytes, 0, 10, null))
      .to.throw('ENOSPC')
      .with.property('code', 'ENOSPC');
    expect(() => fileSystem.open('/store/b', 'create')).to.throw('ENOSPC');
    world.disk.capacityBytes = 2 ** 20;
    expect(fileSystem.write(fd, bytes, 0, 10, null)).to.equal(10);
    expect(fileSystem.space('/store').totalBytes).to.equal(2 ** 20);
  });

  it('returns short reads and writes by chance', () => {
    const { fileSystem } = newWorld(1, { mischief: 0.5 });
    const fd = fileSystem.open('/store/a', 'create');
    const counts = new Set<number>();
    for (let i = 0; i < 50; i++) counts.add(fileSystem.write(fd, Buffer.alloc(100), 0, 100, 0));
    expect(counts.size).to.be.greaterThan(5);
    expect(counts).not.to.include(0);
  });

  it('refuses to open more files than a process may have open', () => {
    const { fileSystem } = newWorld(1, { descriptorsMax: 2 });
    fileSystem.open('/store/a', 'create');
    const fd = fileSystem.open('/store/b', 'create');
    expect(() => fileSystem.open('/store/c', 'create')).to.throw('EMFILE');
    fileSystem.close(fd);
    fileSystem.open('/store/c', 'create');
  });

  it('flips a bit of a file at rest, durably', () => {
    const { world, fileSystem } = newWorld(1);
    write(fileSystem, '/store/a', 'a', 'create', true);
    fileSystem.syncDirectory('/store');
    expect(world.disk.flipBit('/store/a', 1)).to.equal(true);
    expect(world.disk.flipBit('/store/a', 8)).to.equal(false);
    world.crash('power');
    expect(read(world.boot().fileSystem, '/store/a')).to.equal('c');
  });

  it('counts each kind of call with each of its faults', () => {
    const { world, fileSystem } = newWorld(1);
    world.disk.faults.arm({ fault: 'EIO', operation: 'write', file: 'heads', skip: 0 });
    expect(() => write(fileSystem, '/store/heads.db', 'x')).to.throw('EIO');
    const { calls, faults } = world.coverage.report();
    expect(calls).to.include({ 'create heads': 1, 'write heads': 1 });
    expect(faults).to.deep.equal({ 'write heads: EIO': 1 });
    const expected = ['write heads: crash', 'write heads: EIO'];
    const missing = world.coverage.missing({
      faults: expected,
      transitions: ['a'],
      events: ['b'],
      steps: [],
      merges: [],
    });
    expect(missing).to.deep.equal(['event b', 'fault write heads: crash', 'transition a']);
  });

  it('counts faults that may damage a file separately from faults that only make a call fail', () => {
    const { world, fileSystem } = newWorld(1, { mischief: 0 });
    const path = '/store/0a/0123456789abcd.db';
    fileSystem.makeDirectory('/store/0a');
    write(fileSystem, path, 'x');
    const { disk } = world;
    disk.faults.arm({ fault: 'EIO', operation: 'read', skip: 0 });
    expect(() => read(fileSystem, path)).to.throw('EIO');
    disk.faults.arm({ fault: 'EMFILE', operation: 'create', skip: 0 });
    expect(() => write(fileSystem, path, 'x')).to.throw('EMFILE');
    disk.faults.arm({ fault: 'ENOSPC', operation: 'write', file: 'dirtyFlag', skip: 0 });
    expect(() => write(fileSystem, '/store/DIRTY', 'x')).to.throw('ENOSPC');
    expect({ trouble: disk.troubleCount, harm: disk.harmCount }).to.deep.equal({ trouble: 3, harm: 0 });
    disk.faults.arm({ fault: 'ENOSPC', operation: 'write', file: 'seriesFile', skip: 0 });
    expect(() => write(fileSystem, path, 'x', 'append')).to.throw('ENOSPC');
    expect({ trouble: disk.troubleCount, harm: disk.harmCount }).to.deep.equal({ trouble: 4, harm: 1 });
  });

  it('gives the same trace for the same seed, and another trace for another seed', () => {
    const hashOf = (seed: number): string => {
      const { world, fileSystem } = newWorld(seed);
      for (let i = 0; i < 50; i++) write(fileSystem, `/store/${i % 5}`, 'x'.repeat(i * 100), 'append');
      world.crash('power');
      write(world.boot().fileSystem, '/store/after', 'y');
      return world.trace.hash;
    };
    expect(hashOf(1)).to.equal(hashOf(1));
    expect(hashOf(1)).not.to.equal(hashOf(2));
  });
});
