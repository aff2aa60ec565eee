import { betterSqlite3 } from './better-sqlite3.ts';
import { duckDb } from './duckdb.ts';
import { level } from './level.ts';
import { lmdb } from './lmdb.ts';
import type { Peer } from './peer.ts';

/** What Tidemark is compared with, in the order of the table. */
export const peers: readonly Peer[] = [betterSqlite3, duckDb, lmdb, level];
