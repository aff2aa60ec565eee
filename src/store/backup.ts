/**
 * A consistent copy of the directory, made while the store goes on writing. The copy is what a crash at one moment, E,
 * would have left, so the ordinary recovery can open it. docs/decisions/0012-a-backup-is-a-crash-at-one-moment.md
 *
 *   1. Write a checkpoint, and hold back further ones until the copy is done. The checkpoint, and the journal from its
 *      position on, are the base of the copy.
 *   2. Copy series files and quarantined files. Record which of them are changed meanwhile.
 *   3. Copy the indexes, each as of one moment between the checkpoint and E. Replay of the journal adds the entries
 *      that they lack, or have in part. Copy the archive's times before its metrics: a series that leaves the archive
 *      between the two copies is still in the times, so the replay knows that it was archived.
 *   4. Copy the changed files again, until few are left.
 *   5. Make changes of series files wait. Copy the remaining changed files again and commit the journal. This moment is
 *      E.
 *   6. Let changes go on. Copy the journal up to its length at E.
 *
 * Appends never wait. The copy has every sample appended before the call. Samples appended during the backup are
 * included up to E.
 */

import { dirname, join } from 'node:path';
import type { BackupResult } from '../api/api.ts';
import { DASHBOARDS_FOLDER, isDashboardFile } from '../disk/dashboard-files.ts';
import { HEADS_FILE } from '../disk/heads/heads.ts';
import { encodeMappings, MAPPINGS_FILE } from '../disk/mappings.ts';
import { RETENTION_FILE } from '../disk/retention-memory.ts';
import { fingerprintOfFile, isSeriesDirectoryName, ORPHANED, seriesPath } from '../disk/series-path.ts';
import {
  assertNotHeldByOriginal,
  claimForWriting,
  DIRTY_FILE,
  makeDirectoryDurably,
  traceOfWriters,
  VERSION_FILE,
} from '../disk/store-directory.ts';
import type { FileSystem } from '../files/file-system.ts';
import { TEMPORARY_SUFFIX } from '../files/read-write.ts';
import { databaseFolders } from '../indexes/database-folders.ts';
import { TidemarkError } from '../model/errors.ts';
import { type Fingerprint, parseFingerprint } from '../model/fingerprint.ts';
import { BackupCopier } from './backup-copier.ts';
import { storeError } from './disk-trouble.ts';
import type { Session } from './session.ts';

/** Step 4 is repeated while more than this many files were changed, at most this many times. */
const CHANGED_MAX = 64;
const PASSES_MAX = 8;

/**
 * Copies the store into `target`. The target must not exist, or must be empty. It must not lie in the store's own
 * directory, nor contain it. Rejects with `TIDEMARK_INVALID_OPTION` otherwise. A read-only store makes the copy only if no
 * writer has the directory open, and rejects with `TIDEMARK_LOCKED` otherwise.
 */
export const backup = async (session: Session, target: string): Promise<BackupResult> => {
  const { engine } = session;
  if (!engine.options.readOnly) return copyInto(session, target);
  // A writer would change the files while they are copied, and its changes would not be announced here.
  const { directory, outside, clock } = engine;
  const claim = await claimForWriting(outside, directory, clock.now());
  try {
    assertUnchanged(session);
    const result = await copyInto(session, target);
    // Not every writer can see the claim: one in another network namespace cannot, and Prometheus does not ask for it.
    assertUnchanged(session);
    return result;
  } finally {
    await claim?.release();
  }
};

/** Throws `TIDEMARK_LOCKED` when a program has written to the directory since this store began to read it. */
const assertUnchanged = ({ engine: { directory, outside }, found }: Session): void => {
  assertNotHeldByOriginal(outside, directory);
  if (traceOfWriters(outside, directory) === found?.trace) return;
  throw new TidemarkError(
    'TIDEMARK_LOCKED',
    `${directory} was written to after this store had read it; open it again`,
    { details: { directory } },
  );
};

const copyInto = async (session: Session, target: string): Promise<BackupResult> => {
  const { engine, running } = session;
  const { outside } = engine;
  try {
    refuseInside(outside, engine.directory, target);
    refuseExisting(outside, target);
    makeDirectoryDurably(outside, target, 0o700);
  } catch (error) {
    throw storeError(error, 'create', target);
  }
  try {
    const { from, release } = await running.checkpoints.requestBackup();
    try {
      return await copyWhileHeld(session, target, from);
    } finally {
      release();
    }
  } catch (error) {
    throw storeError(error, 'write', target);
  }
};

/** Makes the copy. No checkpoint is written meanwhile; the last one starts its replay at `from`. */
const copyWhileHeld = async (session: Session, target: string, from: number): Promise<BackupResult> => {
  const { engine, running } = session;
  const { clock, table, outside } = engine;
  const recording = running.fileChanges.record();
  try {
    const copier = new BackupCopier(engine.fileSystem, outside, () => clock.breathe());
    const series = table.live + running.recovered.archived.size;
    const copy = new Copy(session, copier, target);
    await copy.base();
    await copy.files();
    await copy.indexes();
    for (let pass = 0; pass < PASSES_MAX && recording.changed.size > CHANGED_MAX; pass++)
      await copy.changed(recording.changed);
    const segments = await copy.settle(recording.changed, from);
    await copy.journal(segments);
    outside.syncDirectory(target);
    return { series, bytes: copier.bytes };
  } finally {
    recording.stop();
  }
};

/** A segment of the journal, with its size at the moment E. */
interface Segment {
  readonly name: string;
  readonly bytes: number;
}

/** The steps of one copy. */
class Copy {
  private readonly session: Session;
  private readonly copier: BackupCopier;
  private readonly target: string;

  constructor(session: Session, copier: BackupCopier, target: string) {
    this.session = session;
    this.copier = copier;
    this.target = target;
  }

  async base(): Promise<void> {
    this.copier.write(join(this.target, DIRTY_FILE), new Uint8Array(0));
    for (const name of [VERSION_FILE, RETENTION_FILE, HEADS_FILE])
      await this.copier.copy(this.source(name), join(this.target, name));
    await this.dashboards();
  }

  async files(): Promise<void> {
    for (const { name, isDirectory } of this.session.engine.fileSystem.readDirectory(this.source())) {
      if (!isDirectory || !isSeriesDirectoryName(name)) continue;
      const isSeriesFile = (file: string): boolean => fingerprintOfFile(name, file) !== undefined;
      await this.copier.copyFiles(this.source(name), join(this.target, name), isSeriesFile);
    }
    await this.orphaned();
  }

  async indexes(): Promise<void> {
    const { engine, running } = this.session;
    for (const name of ['timeRange', 'metric', 'names', 'pairs'] as const) {
      const into = await engine.stores.open(join(this.target, databaseFolders[name]));
      try {
        await this.copier.copyEntries(running.recovered.databases[name], into);
        await into.flushLog();
      } finally {
        await into.close();
      }
    }
  }

  /**
   * Copies the files of these series again. The set is emptied first; files that change during the copy are added to it
   * again.
   */
  async changed(fingerprints: Set<Fingerprint>): Promise<void> {
    const { outside } = this.session.engine;
    const again = [...fingerprints];
    fingerprints.clear();
    const directories = new Set<string>();
    for (const fingerprint of again) {
      const halves = parseFingerprint(fingerprint);
      if (halves === undefined) continue;
      const path = seriesPath(halves.high, halves.low);
      const directory = join(this.target, dirname(path));
      if (!directories.has(directory)) this.copier.makeDirectory(directory);
      directories.add(directory);
      await this.copier.copy(this.source(path), join(this.target, path));
    }
    for (const directory of directories) outside.syncDirectory(directory);
  }

  /** Completes the copy of moment E. Returns the journal's segments with their sizes at E. */
  async settle(fingerprints: Set<Fingerprint>, from: number): Promise<Segment[]> {
    const { engine, running } = this.session;
    const resume = await running.fileChanges.pause();
    try {
      await this.changed(fingerprints);
      await this.orphaned();
      this.copier.write(join(this.target, MAPPINGS_FILE), encodeMappings(engine.mapper.entries()));
      await running.recovered.journal.commit();
      return this.segmentsFrom(from);
    } finally {
      resume();
    }
  }

  /**
   * The copied part of the last segment may end within a record that was appended after E. Recovery cuts such a torn
   * tail.
   */
  async journal(segments: readonly Segment[]): Promise<void> {
    const { engine } = this.session;
    const into = join(this.target, 'journal');
    this.copier.makeDirectory(into);
    for (const { name, bytes } of segments)
      await this.copier.copy(join(engine.journalDirectory, name), join(into, name), bytes);
    engine.outside.syncDirectory(into);
  }

  /** The segments with records after `from`. */
  private segmentsFrom(from: number): Segment[] {
    const { fileSystem, journalDirectory } = this.session.engine;
    const segments = fileSystem
      .readDirectory(journalDirectory)
      .filter(({ name, isDirectory }) => !isDirectory && name.endsWith('.journal'))
      .map(({ name }) => ({
        name,
        start: Number.parseInt(name, 16),
        bytes: fileSystem.stat(join(journalDirectory, name))?.size ?? 0,
      }));
    const first = Math.max(0, ...segments.map(({ start }) => start).filter((start) => start <= from));
    return segments.filter(({ start }) => start >= first);
  }

  /** They are replaced in one step, so each is copied as it was at one moment. */
  private async dashboards(): Promise<void> {
    const source = this.source(DASHBOARDS_FOLDER);
    if (this.session.engine.fileSystem.stat(source)?.isDirectory !== true) return;
    await this.copier.copyFiles(source, join(this.target, DASHBOARDS_FOLDER), isDashboardFile);
  }

  /** Quarantined files never change, so files that the copy already has are skipped. */
  private async orphaned(): Promise<void> {
    const { fileSystem, outside } = this.session.engine;
    if (fileSystem.stat(this.source(ORPHANED)) === undefined) return;
    this.copier.makeDirectory(join(this.target, ORPHANED));
    for (const { name, isDirectory } of fileSystem.readDirectory(this.source(ORPHANED))) {
      if (!isDirectory || !isSeriesDirectoryName(name)) continue;
      const into = join(this.target, ORPHANED, name);
      const isNew = (file: string): boolean =>
        !file.endsWith(TEMPORARY_SUFFIX) && outside.stat(join(into, file)) === undefined;
      await this.copier.copyFiles(this.source(ORPHANED, name), into, isNew);
    }
    outside.syncDirectory(join(this.target, ORPHANED));
  }

  private source(...names: string[]): string {
    return join(this.session.engine.directory, ...names);
  }
}

/**
 * A copy within the store's directory would be copied itself. A store within the target would become part of the copy.
 */
const refuseInside = (fileSystem: FileSystem, directory: string, target: string): void => {
  const contains = (outer: string, inner: string): boolean =>
    fileSystem.contains?.(outer, inner) ?? `${inner}/`.startsWith(`${outer}/`);
  const isInside = contains(directory, target);
  if (!isInside && !contains(target, directory)) return;
  throw new TidemarkError(
    'TIDEMARK_INVALID_OPTION',
    `the backup's directory ${target} ${isInside ? 'is in' : 'holds'} the store's own, ${directory}`,
    { details: { option: 'directory', value: target, allowed: "a directory apart from the store's" } },
  );
};

const refuseExisting = (fileSystem: FileSystem, target: string): void => {
  const stat = fileSystem.stat(target);
  if (stat === undefined) return;
  if (stat.isDirectory && fileSystem.readDirectory(target).length === 0) return;
  throw new TidemarkError('TIDEMARK_INVALID_OPTION', `the backup's directory ${target} exists and is not empty`, {
    details: { option: 'directory', value: target, allowed: 'a directory that does not exist yet, or an empty one' },
  });
};
