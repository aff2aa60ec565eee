import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { encodeMappings, type MappingsRead, readMappings, writeMappings } from '../../src/disk/mappings.ts';
import { nodeFileSystem } from '../../src/files/node-file-system.ts';
import type { Mapping } from '../../src/model/collisions.ts';
import { fastFingerprint, fingerprintText } from '../../src/model/fingerprint.ts';
import { parseUniqueMetric, uniqueMetricBytes } from '../../src/model/unique-metric.ts';
import { fixtureJson } from '../support/fixtures.ts';
import { extractFixture } from '../support/tar.ts';
import { inMemory, put, withDirectory } from './support.ts';

const mapping = (raw: number, mapped: number, ...pairs: string[]): Mapping => ({
  rawHigh: 0x0e16f3b3,
  rawLow: raw,
  metric: uniqueMetricBytes(pairs),
  high: 0,
  low: mapped,
});

const withFixture = (name: string, use: (directory: string) => void): void => {
  const { directory, remove } = extractFixture(name);
  try {
    use(directory);
  } finally {
    remove();
  }
};

const memory = inMemory();

const contentOf = (bytes: Uint8Array): MappingsRead => {
  put(memory.fileSystem, join(memory.directory, 'mappings.db'), bytes);
  return readMappings(memory.fileSystem, memory.directory);
};

describe('mappings.db', () => {
  it('of the original is read', () =>
    withFixture('collisions', (directory) => {
      const { status, mappings } = readMappings(nodeFileSystem, directory);
      expect(status).to.equal('ok');
      const { afterStart } = fixtureJson<{
        afterStart: { mappings: Record<string, unknown>; highestMappedFP: number | string };
      }>('dirs/collisions/expected.json');
      expect(mappings.length).to.equal(7);
      expect(Math.max(...mappings.map(({ low }) => low))).to.equal(Number(afterStart.highestMappedFP));
      const raw = new Int32Array(2);
      for (const { rawHigh, rawLow, metric } of mappings) {
        fastFingerprint(parseUniqueMetric(metric), raw);
        expect(fingerprintText(raw[0], raw[1])).to.equal(fingerprintText(rawHigh, rawLow));
      }
    }));

  it('of the original is written with the same bytes in sorted order', () =>
    withFixture('collisions', (directory) => {
      const bytes = readFileSync(join(directory, 'mappings.db'));
      const { mappings } = readMappings(nodeFileSystem, directory);
      const again = encodeMappings(mappings);
      expect(again.length).to.equal(bytes.length);
      expect(contentOf(again)).to.deep.equal({
        status: 'ok',
        damage: undefined,
        mappings: [...mappings].sort(
          (a, b) => (a.rawHigh >>> 0) - (b.rawHigh >>> 0) || (a.rawLow >>> 0) - (b.rawLow >>> 0) || a.low - b.low,
        ),
      });
      expect(Buffer.from(encodeMappings([...mappings].reverse())).equals(again)).to.equal(true);
    }));

  it('is 20 bytes without mappings', () =>
    withFixture('base', (directory) => {
      expect(Buffer.from(encodeMappings([])).equals(readFileSync(join(directory, 'mappings.db')))).to.equal(true);
      expect(readMappings(nodeFileSystem, directory)).to.deep.include({ status: 'ok', mappings: [] });
    }));

  it('has the bytes of the documented example', () => {
    const example = mapping(
      0xb6bbfedd | 0,
      1,
      'instance',
      'ip-10-33-84-73.l05.ams5.s-cloud.net:24480',
      'status',
      '500',
    );
    const bytes = Buffer.from(encodeMappings([example]));
    expect(bytes.toString('latin1', 0, 18)).to.equal('PrometheusMappings');
    expect(bytes.subarray(18, 30).toString('hex')).to.equal('01010e16f3b3b6bbfedd013d');
    expect(bytes.subarray(-12).toString('hex')).to.equal('ff3530300000000000000001');
    expect(bytes.length).to.equal(18 + 12 + 61 + 8);
  });

  it('is replaced atomically', () =>
    withDirectory((directory) => {
      writeMappings(nodeFileSystem, directory, [mapping(1, 1, 'a', 'b')]);
      mkdirSync(join(directory, 'mappings.db.tmp'));
      expect(() => writeMappings(nodeFileSystem, directory, []))
        .to.throw()
        .with.property('code', 'TIDEMARK_IO');
      expect(readMappings(nodeFileSystem, directory).mappings.length).to.equal(1);
      expect(readdirSync(directory).sort()).to.deep.equal(['mappings.db', 'mappings.db.tmp']);
    }));

  it('is missing where there is none', () =>
    withDirectory((directory) => {
      expect(readMappings(nodeFileSystem, directory)).to.deep.equal({
        status: 'missing',
        mappings: [],
        damage: undefined,
      });
    }));

  it('with another magic is damaged at byte 0', () =>
    withFixture('mappings-bad-magic', (directory) => {
      const { status, damage } = readMappings(nodeFileSystem, directory);
      expect(status).to.equal('damaged');
      expect(damage?.code).to.equal('TIDEMARK_CORRUPT_MAPPINGS');
      expect(damage?.message).to.match(/mappings\.db, byte 0: the file does not begin with PrometheusMappings/);
    }));

  it('of another version is damaged', () => {
    const { damage } = contentOf(Buffer.from('PrometheusMappings\x02\x00'));
    expect(damage?.message).to.match(/byte 19: unknown version 2, must be 1/);
  });

  it('is read to an answer wherever it is cut, with the mappings before the cut', () =>
    withFixture('collisions', (directory) => {
      const bytes = readFileSync(join(directory, 'mappings.db'));
      let count = 0;
      for (let size = 0; size < bytes.length; size++) {
        const { status, mappings } = contentOf(bytes.subarray(0, size));
        expect(status).to.equal('damaged');
        expect(mappings.length).to.be.at.least(count);
        count = mappings.length;
      }
      expect(count).to.equal(6);
    }));

  it('is read to an answer whichever byte is flipped', () =>
    withFixture('collisions', (directory) => {
      const bytes = readFileSync(join(directory, 'mappings.db'));
      for (let offset = 0; offset < bytes.length; offset += 2) {
        for (const flip of [0x01, 0x80, 0xff]) {
          bytes[offset] ^= flip;
          const { status, mappings } = contentOf(bytes);
          bytes[offset] ^= flip;
          expect(status).to.be.oneOf(['ok', 'damaged']);
          expect(mappings.length).to.be.at.most(8);
        }
      }
    }));

  it('does not allocate for counts that the file cannot hold', () => {
    const huge = 'ffffffffffffffff7f';
    for (const tail of [huge, `010e16f3b3b6bbfedd${huge}`, `010e16f3b3b6bbfedd01${huge}`]) {
      const bytes = Buffer.concat([Buffer.from('PrometheusMappings\x01'), Buffer.from(tail, 'hex')]);
      expect(contentOf(bytes)).to.include({ status: 'damaged' });
    }
  });
});
