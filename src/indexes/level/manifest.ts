/**
 * The content of a LevelDB MANIFEST: the tables of the database, the first log to replay, and the last sequence number
 * at the time of writing. Each record is an edit of the state that the records before it describe.
 */
import { readLogRecords } from './log-records.ts';
import { VarintReader } from './varints.ts';

export interface Manifest {
  /** Number of the oldest log that is replayed at opening. */
  readonly logNumber: number;
  /** Number of an earlier log that is replayed too; 0 for none. */
  readonly previousLogNumber: number;
  readonly lastSequence: number;
  /** File numbers of the tables with their sizes in bytes. */
  readonly tables: ReadonlyMap<number, number>;
  /** Whether a record in the middle, or every record, is unreadable. A torn end is no damage: a crash leaves it. */
  readonly isDamaged: boolean;
}

export const readManifest = (bytes: Uint8Array): Manifest => {
  const { records, hasHole } = readLogRecords(bytes);
  const state = { logNumber: 0, previousLogNumber: 0, lastSequence: 0, tables: new Map<number, number>() };
  let isDamaged = hasHole || records.length === 0;
  try {
    for (const record of records) apply(state, new VarintReader(record));
  } catch {
    isDamaged = true;
  }
  return { ...state, isDamaged };
};

interface State {
  logNumber: number;
  previousLogNumber: number;
  lastSequence: number;
  readonly tables: Map<number, number>;
}

const apply = (state: State, edit: VarintReader): void => {
  while (!edit.isAtEnd) {
    const tag = edit.varint();
    switch (tag) {
      case 1: // comparator
        edit.prefixed();
        break;
      case 2:
        state.logNumber = edit.varint();
        break;
      case 3: // next file number
        edit.varint();
        break;
      case 4:
        state.lastSequence = edit.varint();
        break;
      case 5: // where the next compaction of a level begins
        edit.varint();
        edit.prefixed();
        break;
      case 6:
        edit.varint();
        state.tables.delete(edit.varint());
        break;
      case 7: {
        edit.varint();
        const number = edit.varint();
        state.tables.set(number, edit.varint());
        edit.prefixed();
        edit.prefixed();
        break;
      }
      case 9:
        state.previousLogNumber = edit.varint();
        break;
      default:
        throw new RangeError(`unknown tag ${tag} in an edit of the manifest`);
    }
  }
};
