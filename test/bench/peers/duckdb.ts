/** DuckDB: two tables, filled by the appender, row by row. */
import { join } from 'node:path';
import { labelsOf } from '../workload.ts';
import { type Peer, type PeerStore, requireFrom } from './peer.ts';

interface Appender {
  appendInteger(value: number): void;
  appendBigInt(value: bigint): void;
  appendDouble(value: number): void;
  appendVarchar(value: string): void;
  endRow(): void;
  flushSync(): void;
  closeSync(): void;
}

interface Connection {
  run(sql: string): Promise<unknown>;
  runAndReadAll(sql: string): Promise<{ getColumns(): unknown[][]; readonly currentRowCount: number }>;
  createAppender(table: string): Promise<Appender>;
  closeSync(): void;
}

interface DuckDb {
  readonly DuckDBInstance: { create(path: string): Promise<{ connect(): Promise<Connection>; closeSync(): void }> };
}

const schema = [
  'CREATE TABLE IF NOT EXISTS series (id INTEGER, name VARCHAR, job VARCHAR, instance VARCHAR, path VARCHAR, status VARCHAR)',
  'CREATE TABLE IF NOT EXISTS samples (series INTEGER, time BIGINT, value DOUBLE)',
];

class DuckDbStore implements PeerStore {
  readonly #connection: Connection;
  readonly #closeInstance: () => void;
  #samples: Appender | undefined;
  /** The last series that was read ahead, with all samples of a stretch of series: reading one by one scans it all. */
  #stretch: { readonly from: number; readonly columns: Float64Array[][] } | undefined;

  constructor(connection: Connection, closeInstance: () => void) {
    this.#connection = connection;
    this.#closeInstance = closeInstance;
  }

  async createSeries(seriesCount: number): Promise<void> {
    const appender = await this.#connection.createAppender('series');
    for (let i = 0; i < seriesCount; i++) {
      const { __name__, job, instance, path, status } = labelsOf(i);
      appender.appendInteger(i);
      for (const text of [__name__, job, instance, path, status]) appender.appendVarchar(text);
      appender.endRow();
    }
    appender.closeSync();
  }

  async appendRound(timestamps: Float64Array, values: Float64Array): Promise<void> {
    this.#samples ??= await this.#connection.createAppender('samples');
    const appender = this.#samples;
    for (let i = 0; i < timestamps.length; i++) {
      appender.appendInteger(i);
      appender.appendBigInt(BigInt(timestamps[i]));
      appender.appendDouble(values[i]);
      appender.endRow();
    }
  }

  async flush(): Promise<void> {
    this.#samples?.closeSync();
    this.#samples = undefined;
    await this.#connection.run('CHECKPOINT');
  }

  async range(): Promise<number> {
    const answer = await this.#connection.runAndReadAll(
      `SELECT s.id, x.time, x.value FROM series s JOIN samples x ON x.series = s.id
       WHERE s.name = 'metric_7' AND regexp_full_match(s.job, 'job-[0-4]') ORDER BY s.id, x.time`,
    );
    const [ids] = answer.getColumns();
    return new Set(ids).size;
  }

  async lookup(): Promise<number> {
    return this.#count("SELECT * FROM series WHERE status = '202' AND job <> 'job-3'");
  }

  async regex(): Promise<number> {
    return this.#count(
      `SELECT * FROM series
       WHERE regexp_full_match(path, '/api/v1/resource/.*[27]') AND NOT regexp_full_match(job, 'job-[3]')`,
    );
  }

  async read(series: number) {
    const stretchLength = 1_000;
    const from = series - (series % stretchLength);
    if (this.#stretch?.from !== from) this.#stretch = { from, columns: await this.#readStretch(from, stretchLength) };
    const [timestamps, values] = this.#stretch.columns[series - from];
    return { timestamps, values };
  }

  async close(): Promise<void> {
    this.#connection.closeSync();
    this.#closeInstance();
  }

  async #count(sql: string): Promise<number> {
    const answer = await this.#connection.runAndReadAll(sql);
    return answer.getColumns()[0].length;
  }

  async #readStretch(from: number, length: number): Promise<Float64Array[][]> {
    const answer = await this.#connection.runAndReadAll(
      `SELECT series, time, value FROM samples WHERE series >= ${from} AND series < ${from + length} ORDER BY series, time`,
    );
    const [ids, times, values] = answer.getColumns();
    const rows = Array.from({ length }, () => [[], []] as number[][]);
    for (let n = 0; n < ids.length; n++) {
      const [seriesTimes, seriesValues] = rows[Number(ids[n]) - from];
      seriesTimes.push(Number(times[n]));
      seriesValues.push(Number(values[n]));
    }
    return rows.map((columns) => columns.map((column) => Float64Array.from(column)));
  }
}

export const duckDb: Peer = {
  title: 'DuckDB',
  packageSpec: '@duckdb/node-api',
  configuration: 'appender by row, one checkpoint at the end',
  open: async (directory, prefix) => {
    const { DuckDBInstance } = requireFrom<DuckDb>(prefix, '@duckdb/node-api');
    const instance = await DuckDBInstance.create(join(directory, 'samples.duckdb'));
    const connection = await instance.connect();
    for (const statement of schema) await connection.run(statement);
    return new DuckDbStore(connection, () => instance.closeSync());
  },
};
