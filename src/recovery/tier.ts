/**
 * Decides how a directory has to be recovered. It chooses the cheapest tier that is safe:
 *
 * - `clean`: the directory was closed cleanly, and heads.db holds everything.
 * - `journal`: the directory crashed, and the journal's tail belongs to exactly this heads.db. Recovery loads the
 *   snapshot and replays the tail.
 * - `crash`: the directory crashed and the journal does not belong to this heads.db, because the original wrote it last
 *   or because heads.db is damaged. Recovery scans all series files.
 *
 * If the original has had the directory open since Tidemark, its files are newer than the journal, whatever heads.db
 * says. Then the tier is `clean` only if the original closed the directory cleanly and the journal is empty or its last
 * session was closed cleanly. Otherwise it is `crash`. After that recovery, missing samples are added from the journal,
 * and nothing is removed because of the journal.
 *
 * A heads.db that Tidemark wrote while it was running names its journal position in its trailer. A heads.db of a clean
 * close, or of the original, has no trailer. Then events in the journal state, by size and CRC-32, which heads.db a
 * session was opened with, or was about to write at its close.
 */

import type { HeadsRead, HeadsTrailer } from '../disk/heads/heads.ts';
import type { FileSystem } from '../files/file-system.ts';
import { readJournal } from '../journal/read/read-journal.ts';
import type { LifecycleEvent, Position, StoreClosed, StoreClosing, StoreOpened } from '../model/events.ts';

export type Tier =
  | { readonly kind: 'clean' }
  | { readonly kind: 'journal'; readonly from: Position }
  /**
   * `from`: the journal does not fit, but its samples were acknowledged. From this position on it is replayed over what
   * was recovered. If it is `overtaken` by what another program wrote, only its missing samples are added.
   */
  | {
      readonly kind: 'crash';
      readonly reason: string;
      readonly from: Position | undefined;
      readonly overtaken?: boolean;
    };

export interface TierChoice {
  readonly tier: Tier;
  /** Tidemark wrote this heads.db, so its open chunks hold exactly what was appended. */
  readonly ownHeads: boolean;
  /** Size and CRC-32 of the heads.db with which the journal's last session was opened or closed. */
  readonly sessionHeads?: { readonly bytes: number; readonly crc32: number } | undefined;
}

export interface TierQuestion {
  readonly fileSystem: FileSystem;
  /** The journal's own directory. */
  readonly directory: string;
  /** The file DIRTY existed, or recovery is forced. */
  readonly dirty: boolean;
  readonly forced: boolean;
  /** The original has had the directory open since Tidemark. */
  readonly overtaken: boolean;
  readonly heads: Pick<HeadsRead, 'status' | 'bytes' | 'crc32' | 'trailer'>;
  /** Oldest position of the journal. */
  readonly first: Position;
  /** Position after the journal's last record; `undefined` when it has no record. */
  readonly recordsEnd: Position | undefined;
}

export const chooseTier = (question: TierQuestion): TierChoice => {
  if (question.overtaken) return chooseOvertaken(question);
  // In the usual case only the tail is needed. Older segments, which subscriptions may hold back, are not read.
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
  const { heads, dirty, forced, first, recordsEnd } = question;
  const unclosed = session !== undefined && !session.closed ? session.position : undefined;
  // DIRTY may have been removed by hand. A checkpoint of an unfinished session shows that the directory was not closed.
  const unfinished =
    closing !== undefined || (unclosed !== undefined && (heads.trailer !== undefined || isHeadsOf(session, heads)));
  // If no session event is left, a checkpoint truncated the beginning of a session that was never closed. So the rest
  // of the journal counts. But a sound heads.db without a trailer is another program's, and later than the journal.
  const isForeign = heads.status === 'ok' && heads.trailer === undefined;
  const left = session === undefined && recordsEnd !== undefined && !isForeign ? first : undefined;
  const tail = trailerFits(question) ? question.heads.trailer.position : (closing?.from ?? unclosed ?? left);
  if (heads.status === 'damaged') return { kind: 'crash', reason: 'heads.db is damaged', from: tail };
  if (forced) return { kind: 'crash', reason: 'recovery was asked for', from: tail };
  // The checkpoint has been lost. The journal has what it held, as far back as the journal goes.
  if (heads.status === 'missing' && session !== undefined && session.headsBytes > 0 && recordsEnd !== undefined)
    return { kind: 'crash', reason: 'heads.db is missing', from: first };
  if (!dirty && !unfinished) return { kind: 'clean' };
  if (heads.trailer !== undefined) {
    if (trailerFits(question)) return { kind: 'journal', from: question.heads.trailer.position };
    return { kind: 'crash', reason: 'the journal of the last checkpoint is missing', from: tail };
  }
  if (closing !== undefined) return { kind: 'journal', from: closing.from };
  if (session === undefined) {
    if (recordsEnd === undefined) return { kind: 'crash', reason: 'there is no journal', from: undefined };
    return { kind: 'crash', reason: "the journal's beginning is missing", from: tail };
  }
  if (!isHeadsOf(session, heads)) {
    return { kind: 'crash', reason: 'another program has written heads.db since the journal', from: unclosed };
  }
  // The session was closed and nothing follows: only DIRTY was not removed yet, or the next session had not begun.
  return session.closed && session.isLast ? { kind: 'clean' } : { kind: 'journal', from: session.position };
};

/** Whether the checkpoint names a position that the journal contains. */
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
  /** No record follows. */
  readonly isLast: boolean;
}

/**
 * Whether heads.db holds everything before the event. This is not so for an opening that replayed a journal: the
 * replayed samples are only in the journal until the next checkpoint, and that checkpoint names its position itself.
 */
const isBase = (event: LifecycleEvent): event is StoreOpened | StoreClosed =>
  event.type === 'storeClosed' || (event.type === 'storeOpened' && event.how !== 'journal');

/**
 * Finds the last event at which heads.db held everything, and the last `storeClosing` event after it that announced
 * this heads.db. A later `storeClosing` may have announced a heads.db that was never written.
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
