/** Compares the content of a directory with the ledger, which says what it must and may hold. */
import { checkDirectory, openStore } from '../../src/index.ts';
import { type Content, readContent } from './content.ts';
import type { Backup, Ledger } from './ledger.ts';
import { nameOf, sampleTime, sampleValue } from './samples.ts';

/** Complaints of one kind that are listed; further ones are only counted. */
const TOLD_MAX = 5;

/** The complaints about a content; none if it is correct. */
export const compare = (ledger: Ledger, content: Content, backup?: Backup): string[] => {
  const complaints: string[] = [...content.complaints];
  for (const [name, samples] of content.samples) {
    for (const [round, { time, value }] of samples) {
      const what = `${name} round ${round}`;
      if (time !== sampleTime(name, round) || !Object.is(value, sampleValue(name, round)))
        complaints.push(`wrong: ${what} is ${value} at ${time}`);
      if (!ledger.isAllowed(name, round)) complaints.push(`invented: ${what}`);
      if (ledger.isDropped(name, round, backup)) complaints.push(`returned: ${what} had been dropped`);
    }
  }
  for (const [name, rounds] of ledger.required(backup)) {
    for (const round of rounds)
      if (!content.samples.get(name)?.has(round)) complaints.push(`lost: ${name} round ${round}`);
  }
  if (backup === undefined) {
    for (const drop of ledger.undecided) {
      for (const name of drop.names) {
        const rounds = ledger.takenBy(drop, name);
        const left = rounds.filter((round) => content.samples.get(name)?.has(round)).length;
        if (left > 0 && left < rounds.length)
          complaints.push(`lost: ${name} was being dropped, and ${left} of ${rounds.length} samples are left`);
      }
    }
    const steady = content.samples.get(nameOf('steady', 0));
    for (const round of ledger.delivered) {
      if (!steady?.has(round)) complaints.push(`lost: round ${round}, which the subscriber had got`);
    }
  }
  return complaints;
};

/** Reads a directory that no process has open, without changing it. Records its content in the ledger. */
export const verifyDirectory = async (
  ledger: Ledger,
  directory: string,
): Promise<{ readonly complaints: string[]; readonly hash: string }> => {
  const complaints = await checkClean(directory);
  const { content, quarantined } = await readDirectory(directory, true);
  complaints.push(...quarantined, ...compare(ledger, content));
  ledger.show(content.samples);
  return { complaints: shortened(complaints), hash: content.hash };
};

/** Checks the files of a backup, opens it for writing, compares its content, closes it, and checks its files again. */
export const verifyBackup = async (ledger: Ledger, backup: Backup): Promise<string[]> => {
  const complaints = await checkClean(backup.directory);
  const { content, quarantined } = await readDirectory(backup.directory, false);
  complaints.push(...quarantined, ...compare(ledger, content, backup), ...(await checkClean(backup.directory)));
  return shortened(complaints).map((complaint) => `backup: ${complaint}`);
};

const checkClean = async (directory: string): Promise<string[]> =>
  (await checkDirectory(directory, { pedantic: true })).problems.map(({ message }) => `check: ${message}`);

const readDirectory = async (
  directory: string,
  readOnly: boolean,
): Promise<{ readonly content: Content; readonly quarantined: string[] }> => {
  const store = await openStore(directory, { retention: 'off', readOnly });
  try {
    const content = await readContent(store);
    const quarantined = (await store.quarantined()).map(
      ({ fingerprint, reason }) => `quarantined: ${fingerprint} ${reason}`,
    );
    return { content, quarantined };
  } finally {
    await store.close();
  }
};

const shortened = (complaints: readonly string[]): string[] => {
  const counts = new Map<string, number>();
  const told = complaints.filter((complaint) => {
    const kind = complaint.slice(0, complaint.indexOf(':'));
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    return count <= TOLD_MAX;
  });
  for (const [kind, count] of counts) if (count > TOLD_MAX) told.push(`${kind}: ${count - TOLD_MAX} more`);
  return told;
};
