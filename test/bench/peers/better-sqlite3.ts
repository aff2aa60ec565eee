/** SQLite through better-sqlite3: a table sorted by series and time, write-ahead log, transactions of 10,000 rows. */
import { join } from 'node:path';
import { labelsOf } from '../workload.ts';
import { conditions, type Peer, type PeerStore, requireFrom } from './peer.ts';

interface Statement {
  run(...parameters: readonly unknown[]): unknown;
  all(...parameters: readonly unknown[]): unknown[][];
  iterate(...parameters: readonly unknown[]): Iterable<unknown[]>;
  raw(): Statement;
}

interface Database {
  prepare(sql: string): Statement;
  exec(sql: string): void;
  pragma(text: string): unknown;
  function(name: string, options: { deterministic: boolean }, body: (...values: string[]) => number): void;
  close(): void;
}

const rowsPerTransaction = 10_000;

const schema = `
  CREATE TABLE IF NOT EXISTS series (id INTEGER PRIMARY KEY, name TEXT, job TEXT, instance TEXT, path TEXT, status TEXT);
  CREATE INDEX IF NOT EXISTS by_name ON series (name, job);
  CREATE INDEX IF NOT EXISTS by_status ON series (status, job);
  CREATE INDEX IF NOT EXISTS by_path ON series (path, job);
  CREATE TABLE IF NOT EXISTS samples (series INTEGER, time INTEGER, value REAL, PRIMARY KEY (series, time)) WITHOUT ROWID;
`;

class SqliteStore implements PeerStore {
  readonly #database: Database;
  readonly #insert: Statement;
  readonly #read: Statement;

  constructor(database: Database) {
    this.#database = database;
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = NORMAL');
    database.exec(schema);
    database.function('matches_path', { deterministic: true }, (path) => Number(conditions.regexPath.test(path)));
    database.function('matches_job', { deterministic: true }, (job) => Number(conditions.regexNotJob.test(job)));
    this.#insert = database.prepare('INSERT INTO samples VALUES (?, ?, ?)');
    this.#read = database.prepare('SELECT time, value FROM samples WHERE series = ? ORDER BY time').raw();
  }

  async createSeries(seriesCount: number): Promise<void> {
    const insert = this.#database.prepare('INSERT INTO series VALUES (?, ?, ?, ?, ?, ?)');
    this.#database.exec('BEGIN');
    for (let i = 0; i < seriesCount; i++) {
      const { __name__, job, instance, path, status } = labelsOf(i);
      insert.run(i, __name__, job, instance, path, status);
    }
    this.#database.exec('COMMIT');
  }

  async appendRound(timestamps: Float64Array, values: Float64Array): Promise<void> {
    for (let from = 0; from < timestamps.length; from += rowsPerTransaction) {
      const to = Math.min(from + rowsPerTransaction, timestamps.length);
      this.#database.exec('BEGIN');
      for (let i = from; i < to; i++) this.#insert.run(i, timestamps[i], values[i]);
      this.#database.exec('COMMIT');
    }
  }

  async flush(): Promise<void> {
    this.#database.pragma('wal_checkpoint(TRUNCATE)');
  }

  async range(): Promise<number> {
    const query = this.#database
      .prepare(
        `SELECT s.id, x.time, x.value FROM series s JOIN samples x ON x.series = s.id
         WHERE s.name = 'metric_7' AND s.job IN ('job-0', 'job-1', 'job-2', 'job-3', 'job-4') ORDER BY s.id, x.time`,
      )
      .raw();
    let found = 0;
    let last: unknown = -1;
    for (const [series] of query.iterate()) {
      if (series !== last) found += 1;
      last = series;
    }
    return found;
  }

  async lookup(): Promise<number> {
    return this.#database.prepare("SELECT * FROM series WHERE status = '202' AND job <> 'job-3'").raw().all().length;
  }

  async regex(): Promise<number> {
    return this.#database.prepare('SELECT * FROM series WHERE matches_path(path) AND NOT matches_job(job)').raw().all()
      .length;
  }

  async read(series: number) {
    const rows = this.#read.all(series) as [number, number][];
    return {
      timestamps: Float64Array.from(rows, ([time]) => time),
      values: Float64Array.from(rows, ([, value]) => value),
    };
  }

  async close(): Promise<void> {
    this.#database.close();
  }
}

export const betterSqlite3: Peer = {
  title: 'better-sqlite3',
  packageSpec: 'better-sqlite3@12',
  configuration: 'table sorted by (series, time), WAL, synchronous NORMAL, transactions of 10,000',
  open: async (directory, prefix) => {
    const Sqlite = requireFrom<new (path: string) => Database>(prefix, 'better-sqlite3');
    return new SqliteStore(new Sqlite(join(directory, 'samples.sqlite')));
  },
};
