/**
 * How a directory has to be recovered: as little as what is known allows.
 *
 * - `clean`: it was closed in order; heads.db says everything.
 * - `journal`: it crashed, and the journal's tail belongs to exactly this heads.db: snapshot plus replay.
 * - `crash`: it crashed and no journal belongs to what is there, because the original wrote it last or because heads.db
 *   is damaged: the full recovery, over all series files.
 *
 * A directory that the original has had open since Tidemark is never taken for one that only Tidemark wrote: what the
 * original has written since is newer than the journal, whatever heads.db says. Its tier is `clean` when the original closed
 * it in order and the journal holds nothing else, and `crash` otherwise; then the journal's samples are added to what was
 * recovered where they are missing, and it takes nothing away.
 *
 * A heads.db that a running Tidemark wrote names its journal position itself, in its trailer. One that a clean close
 * left behind, or that the original wrote, has none: then the journal says which file, by size and CRC-32, its session
 * was opened on, or was about to leave behind.
 */
import type { FileSystem } from '../disk/file-system.ts';
import type { HeadsRead, HeadsTrailer } from '../disk/heads.ts';
import { readJournal } from '../journal/read-journal.ts';
import type { LifecycleEvent, Position, StoreClosed, StoreClosing, StoreOpened } from '../model/events.ts';

export type Tier =
  | { readonly kind: 'clean' }
  | { readonly kind: 'journal'; readonly from: Position }
  /**
   * `from`: a journal that does not fit, but whose samples were acknowledged, is replayed over what was recovered, or, when
   * it is `overtaken` by what another program wrote, only what is missing of it is added.
   */
  | {
      readonly kind: 'crash';
      readonly reason: string;
      readonly from: Position | undefined;
      readonly overtaken?: boolean;
    };

export interface TierChoice {
  readonly tier: Tier;
  /** Tidemark wrote this heads.db: what its open chunks hold is what was appended. */
  readonly ownHeads: boolean;
  /** Size and CRC-32 of the heads.db that the last session in the journal was opened on or closed with. */
  readonly sessionHeads?: { readonly bytes: number; readonly crc32: number } | undefined;
}

export interface TierQuestion {
  readonly fileSystem: FileSystem;
  /** The journal's own directory. */
  readonly directory: string;
  /** DIRTY was there, or recovery is forced. */
  readonly dirty: boolean;
  readonly forced: boolean;
  /** The original has had the directory open since Tidemark. */
  readonly overtaken: boolean;
  readonly heads: Pick<HeadsRead, 'status' | 'bytes' | 'crc32' | 'trailer'>;
  /** Oldest position of the journal and the one behind its last record; `undefined` when there is no record. */
  readonly first: Position;
  readonly recordsEnd: Position | undefined;
}

export const chooseTier = (question: TierQuestion): TierChoice => {
  if (question.overtaken) return chooseOvertaken(question);
  // The usual case needs nothing but the tail: what subscribers hold back of the journal is not read.
  if (question.dirty && !question.forced && question.heads.status !== 'damaged' && trailerFits(question)) {
    return { tier: { kind: 'journal', from: question.heads.trailer.position }, ownHeads: true };
  }
  const { session, closing } = lastSession(question);
  const { heads } = question;
  const ownHeads = heads.trailer !== undefined || isHeadsOf(session, heads) || closing !== undefined;
  const sessionHeads = session && { bytes: session.headsBytes, crc32: session.headsCrc32 };
  return { tier: tierOf(question, session, closing), ownHeads, sessionHeads };
};

const chooseOvertaken = (question: TierQuestion): TierChoice => {
  const { heads, dirty, forced, first, recordsEnd } = question;
  const { session, closing } = lastSession(question);
  const ownHeads = heads.trailer !== undefined || isHeadsOf(session, heads) || closing !== undefined;
  const unclosed = session !== undefined && !session.closed ? session.position : undefined;
  const left = session === undefined && recordsEnd !== undefined ? first : undefined;
  const from = trailerFits(question) ? question.heads.trailer.position : (closing?.from ?? unclosed ?? left);
  const because = (reason: string): TierChoice => ({
    tier: { kind: 'crash', reason, from, overtaken: true },
    ownHeads,
  });
  if (heads.status === 'damaged') return because('heads.db is damaged');
  if (forced) return because('recovery was asked for');
  if (dirty) return because('the original had the directory open last, and did not close it');
  if (ownHeads) return because("the original had the directory open last, and heads.db is still Tidemark's");
  if (from !== undefined) return because('the original had the directory open after a crash of Tidemark');
  return { tier: { kind: 'clean' }, ownHeads };
};

const tierOf = (question: TierQuestion, session: Session | undefined, closing: StoreClosing | undefined): Tier => {
  const { heads, dirty, forced } = question;
  const unclosed = session !== undefined && !session.closed ? session.position : undefined;
  // DIRTY may have been removed by hand; a checkpoint of an unfinished session tells the truth.
  const unfinished =
    closing !== undefined || (unclosed !== undefined && (heads.trailer !== undefined || isHeadsOf(session, heads)));
  // A session whose beginning a checkpoint let go of was never closed: what is left of the journal counts. Not beside a sound
  // heads.db without a trailer: that is another program's, and later than the journal.
  const isForeign = heads.status === 'ok' && heads.trailer === undefined;
  const left = session === undefined && question.recordsEnd !== undefined && !isForeign ? question.first : undefined;
  const tail = trailerFits(question) ? question.heads.trailer.position : (closing?.from ?? unclosed ?? left);
  if (heads.status === 'damaged') return { kind: 'crash', reason: 'heads.db is damaged', from: tail };
  if (forced) return { kind: 'crash', reason: 'recovery was asked for', from: tail };
  if (!dirty && !unfinished) return { kind: 'clean' };
  if (heads.trailer !== undefined) {
    if (trailerFits(question)) return { kind: 'journal', from: question.heads.trailer.position };
    return { kind: 'crash', reason: 'the journal of the last checkpoint is missing', from: tail };
  }
  if (closing !== undefined) return { kind: 'journal', from: closing.from };
  if (session === undefined) {
    if (question.recordsEnd === undefined) return { kind: 'crash', reason: 'there is no journal', from: undefined };
    return { kind: 'crash', reason: "the journal's beginning is missing", from: tail };
  }
  if (!isHeadsOf(session, heads)) {
    return { kind: 'crash', reason: 'another program has written heads.db since the journal', from: unclosed };
  }
  // Closed in order and nothing since: only the removal of DIRTY was missing, or the next session had not begun.
  return session.closed && session.isLast ? { kind: 'clean' } : { kind: 'journal', from: session.position };
};

/** Whether the journal reaches over the position that the checkpoint names. */
const trailerFits = (
  question: TierQuestion,
): question is TierQuestion & { readonly heads: { readonly trailer: HeadsTrailer } } => {
  const { heads, first, recordsEnd } = question;
  const position = heads.trailer?.position;
  return position !== undefined && recordsEnd !== undefined && first <= position && position <= recordsEnd;
};

interface HeadsSum {
  readonly headsBytes: number;
  readonly headsCrc32: number;
}

const isHeadsOf = (sum: HeadsSum | undefined, { bytes, crc32 }: TierQuestion['heads']): boolean =>
  sum !== undefined && sum.headsBytes === bytes && sum.headsCrc32 === crc32;

interface Session extends HeadsSum {
  readonly position: Position;
  readonly closed: boolean;
  /** No record came after it. */
  readonly isLast: boolean;
}

/**
 * Whether everything before the event is in heads.db. Not so for an opening that replayed a journal: what it replayed is
 * in that journal still, until a checkpoint is written, which says so itself.
 */
const isBase = (event: LifecycleEvent): event is StoreOpened | StoreClosed =>
  event.type === 'storeClosed' || (event.type === 'storeOpened' && event.how !== 'journal');

/**
 * The last event that heads.db stands for, and the last one after it that says of this heads.db that it was to replace
 * another. A later one may speak of a file that never came to be.
 */
const lastSession = ({
  fileSystem,
  directory,
  heads,
}: TierQuestion): { readonly session: Session | undefined; readonly closing: StoreClosing | undefined } => {
  let found: { event: StoreOpened | StoreClosed; position: Position } | undefined;
  let closing: StoreClosing | undefined;
  let last: Position = 0;
  for (const record of readJournal({ fileSystem, directory, eventsOnly: true })) {
    last = record.position;
    if (record.type !== 'events') continue;
    for (const event of record.events) {
      if (event.type === 'storeClosing' && isHeadsOf(event, heads)) closing = event;
      if (!isBase(event)) continue;
      found = { event, position: record.position };
      closing = undefined;
    }
  }
  if (found === undefined) return { session: undefined, closing };
  const { event, position } = found;
  const { headsBytes, headsCrc32 } = event;
  const session = { position, closed: event.type === 'storeClosed', isLast: position === last, headsBytes, headsCrc32 };
  return { session, closing };
};
