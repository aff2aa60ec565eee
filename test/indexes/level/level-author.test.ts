/** The two LevelDBs are told apart by how they begin a manifest. */
import { expect } from 'chai';
import { isGolevelManifest } from '../../../src/indexes/level-author.ts';

const comparator = Buffer.concat([Buffer.from([1, 26]), Buffer.from('leveldb.BytewiseComparator')]);

/** A record of the log format; its checksum does not matter here, and is given. */
const record = (payload: Buffer, checksum: readonly number[]): Buffer =>
  Buffer.concat([Buffer.from([...checksum, payload.length & 0xff, payload.length >> 8, 1]), payload]);

/** What the C++ LevelDB writes when it opens a database: the comparator alone, then the numbers. */
const cpp = (checksum: readonly number[]): Buffer =>
  Buffer.concat([record(comparator, [1, 2, 3, 4]), record(Buffer.from([2, 5, 9, 0, 3, 6, 4, 0]), checksum)]);

describe('isGolevelManifest', () => {
  it('is right whatever the checksum of the second record is', () => {
    for (let first = 0; first < 256; first++) {
      for (const second of [0, 1, 2, 0x6e, 0x80, 0xff]) {
        const head = cpp([first, second, 0x6e, 0x89]);
        expect(isGolevelManifest('MANIFEST-000004', head), `checksum ${first} ${second}`).to.equal(false);
      }
    }
  });

  it('knows a manifest of goleveldb by the numbers in its first edit, and by its first name', () => {
    const edit = Buffer.concat([comparator, Buffer.from([2, 4, 3, 5, 4, 0])]);
    expect(isGolevelManifest('MANIFEST-000003', record(edit, [9, 9, 9, 9]))).to.equal(true);
    expect(isGolevelManifest('MANIFEST-000000', Buffer.alloc(0))).to.equal(true);
  });

  it('takes a new database of C++ for one, and what makes no sense', () => {
    const edit = Buffer.concat([comparator, Buffer.from([2, 0, 3, 2, 4, 0])]);
    expect(isGolevelManifest('MANIFEST-000001', record(edit, [0, 0, 0, 0]))).to.equal(false);
    expect(isGolevelManifest('MANIFEST-000001', Buffer.alloc(3))).to.equal(false);
    expect(isGolevelManifest('MANIFEST-000001', Buffer.alloc(128, 0xff))).to.equal(false);
  });
});
