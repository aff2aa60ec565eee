/**
 * A consistent copy of the directory, made while writing goes on: what a crash at one moment, E, would have left. So the
 * recovery that makes good a crash makes good a copy. docs/decisions/0012-a-backup-is-a-crash-at-one-moment.md
 *
 *   1. A checkpoint is written, and no other follows until the copy is done. It and what the journal tells from its
 *      position on are the base of the copy.
 *   2. Series files and quarantined files are copied. Which of them are changed meanwhile is recorded.
 *   3. The indexes are copied, each as it is at one moment after the checkpoint and before E: what they lack, or have in
 *      part, replay of the journal brings. Times go before metrics: a series that leaves the archive in between is then
 *      known to the replay as archived.
 *   4. What has been changed is copied again, until little is left.
 *   5. Changes of series files wait. The rest of what was changed is copied again; the journal is committed. This is E.
 *   6. Changes go on. The journal is copied as far as it reached at E.
 *
 * Appends never wait. All that was appended before the call is in the copy; of what came later, what was before E.
 */
import { dirname, join } from 'node:path';
import type { BackupResult } from '../api.ts';
import { claimForWriting, DIRTY_FILE, makeDirectoryDurably, readMark, VERSION_FILE } from '../disk/directory.ts';
import type { DirectoryClaim, FileSystem } from '../disk/file-system.ts';
import { HEADS_FILE } from '../disk/heads.ts';
import { encodeMappings, MAPPINGS_FILE } from '../disk/mappings.ts';
import { RETENTION_FILE } from '../disk/retention-memory.ts';
import {
  fingerprintOfFile,
  isSeriesDirectoryName,
  ORPHANED,
  seriesPath,
  TEMPORARY_SUFFIX,
} from '../disk/series-path.ts';
import { TidemarkError } from '../errors.ts';
import { databaseFolders } from '../index/database-folders.ts';
import { type Fingerprint, parseFingerprint } from '../model/fingerprint.ts';
import { BackupCopier } from './backup-copier.ts';
import { storeError } from './disk-trouble.ts';
import type { Session } from './session.ts';

/** While more files than this were changed they are copied again without having changes wait, so many times at most. */
const CHANGED_MAX = 64;
const PASSES_MAX = 8;

/**
 * Copies the store into `target`, which must not exist, or be empty, nor lie in the store's own directory or hold it. Rejects with
 * `TIDEMARK_INVALID_OPTION` otherwise. A store that only reads makes the copy when nobody has the directory open for writing,
 * and rejects with `TIDEMARK_LOCKED` otherwise.
 */
export const backup = async (session: Session, target: string): Promise<BackupResult> => {
  const { engine } = session;
  // A writer would change the files while they are copied, and its changes would not be announced here.
  const claim = engine.options.readOnly ? await keepWritersOut(session) : undefined;
  try {
    return await copyInto(session, target);
  } finally {
    await claim?.release();
  }
};

/** Throws `TIDEMARK_LOCKED` when a writer has the directory open, or has had it open since this store read it. */
const keepWritersOut = async ({ engine, found }: Session): Promise<DirectoryClaim | undefined> => {
  const { clock, directory, outside } = engine;
  const claim = await claimForWriting(outside, directory, clock.now());
  if (readMark(outside, directory) === found?.mark) return claim;
  await claim?.release();
  throw new TidemarkError(
    'TIDEMARK_LOCKED',
    `${directory} was opened for writing after this store had read it; open it again`,
    { details: { directory } },
  );
};

const copyInto = async (session: Session, target: string): Promise<BackupResult> => {
  const { engine, running } = session;
  const { clock, table, outside } = engine;
  try {
    refuseInside(outside, engine.directory, target);
    refuseExisting(outside, target);
    makeDirectoryDurably(outside, target, 0o700);
  } catch (error) {
    throw storeError(error, 'create', target);
  }
  const release = await running.checkpoints.hold();
  const recording = running.fileChanges.record();
  try {
    const copier = new BackupCopier(engine.fileSystem, outside, () => clock.breathe());
    const { from } = await running.checkpoints.write(false, { keepJournal: true });
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
  } catch (error) {
    throw storeError(error, 'write', target);
  } finally {
    recording.stop();
    release();
  }
};

/** A segment of the journal, and how long it was at the copy's moment. */
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

  /** Copies the files of these series again. The set is emptied; what is changed while it goes on is in it afterwards. */
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

  /** Brings the copy to one moment, and returns how far the journal reached then. */
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

  /** The last segment may end in the middle of a record that was appended later: such an end is cut. */
  async journal(segments: readonly Segment[]): Promise<void> {
    const { engine } = this.session;
    const into = join(this.target, 'journal');
    this.copier.makeDirectory(into);
    for (const { name, bytes } of segments)
      await this.copier.copy(join(engine.journalDirectory, name), join(into, name), bytes);
    engine.outside.syncDirectory(into);
  }

  /** Those that hold what comes after `from`. */
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

  /** Files in quarantine stay as they are, so that those that are in the copy are left alone. */
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

/** A copy in the store's own directory would be copied itself; a store in the copy's would become part of it. */
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
