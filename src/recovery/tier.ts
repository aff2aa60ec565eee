/**
 * How a directory has to be recovered: as little as what is known allows.
 *
 * - `clean`: it was closed in order; heads.db says everything.
 * - `journal`: it crashed, and the journal's tail belongs to exactly this heads.db: snapshot plus replay.
 * - `crash`: it crashed and no journal belongs to what is there, because the original wrote it last or because heads.db
 *   is damaged: the full recovery, over all series files.
 *
 * A heads.db that a running Tidemark wrote names its journal position itself, in its trailer. One that a clean close
 * left behind, or that the original wrote, has none: then the journal says which file, by size and CRC-32, its session
 * was opened on.
 */

import type { FileSystem } from '../disk/file-system.ts';
import type { HeadsRead } from '../disk/heads.ts';
import { readJournal } from '../journal/read-journal.ts';
import type { LifecycleEvent, Position, StoreClosed, StoreOpened } from '../model/events.ts';

export type Tier =
  | { readonly kind: 'clean' }
  | { readonly kind: 'journal'; readonly from: Position }
  /** `from`: a journal that does not fit, but whose samples were acknowledged, is replayed over what was recovered. */
  | { readonly kind: 'crash'; readonly reason: string; readonly from: Position | undefined };

export interface TierChoice {
  readonly tier: Tier;
  /** Tidemark wrote this heads.db: what its open chunks hold is what was appended. */
  readonly ownHeads: boolean;
}

export interface TierQuestion {
  readonly fileSystem: FileSystem;
  /** The journal's own directory. */
  readonly directory: string;
  /** DIRTY was there, or recovery is forced. */
  readonly dirty: boolean;
  readonly forced: boolean;
  readonly heads: Pick<HeadsRead, 'status' | 'bytes' | 'crc32' | 'trailer'>;
  /** Oldest position of the journal and the one behind its last record. */
  readonly first: Position;
  readonly end: Position;
}

export const chooseTier = (question: TierQuestion): TierChoice => {
  const session = lastSession(question);
  const ownHeads = question.heads.trailer !== undefined || isHeadsOf(session, question.heads);
  return { tier: tierOf(question, session), ownHeads };
};

const tierOf = (question: TierQuestion, session: Session | undefined): Tier => {
  const { heads, dirty, forced, first, end } = question;
  const unclosed = session !== undefined && !session.closed ? session.position : undefined;
  // DIRTY may have been removed by hand; a checkpoint of an unfinished session tells the truth.
  const unfinished = unclosed !== undefined && (heads.trailer !== undefined || isHeadsOf(session, heads));
  if (heads.status === 'damaged') return { kind: 'crash', reason: 'heads.db is damaged', from: unclosed };
  if (forced) return { kind: 'crash', reason: 'recovery was asked for', from: unclosed };
  if (!dirty && !unfinished) return { kind: 'clean' };
  if (heads.trailer !== undefined) {
    const { position } = heads.trailer;
    if (position >= first && position <= end && end > 0) return { kind: 'journal', from: position };
    return { kind: 'crash', reason: 'the journal of the last checkpoint is missing', from: unclosed };
  }
  if (session === undefined) return { kind: 'crash', reason: 'there is no journal', from: undefined };
  if (!isHeadsOf(session, heads)) {
    return { kind: 'crash', reason: 'another program has written heads.db since the journal', from: unclosed };
  }
  // Closed in order and nothing since: only the removal of DIRTY was missing, or the next session had not begun.
  return session.closed && session.isLast ? { kind: 'clean' } : { kind: 'journal', from: session.position };
};

const isHeadsOf = (session: Session | undefined, heads: { readonly bytes: number; readonly crc32: number }): boolean =>
  session !== undefined && session.headsBytes === heads.bytes && session.headsCrc32 === heads.crc32;

interface Session {
  readonly position: Position;
  readonly closed: boolean;
  /** No record came after it. */
  readonly isLast: boolean;
  readonly headsBytes: number;
  readonly headsCrc32: number;
}

/**
 * Whether everything before the event is in heads.db. Not so for an opening that replayed a journal: what it replayed is
 * in that journal still, until a checkpoint is written, which says so itself.
 */
const isBase = (event: LifecycleEvent): event is StoreOpened | StoreClosed =>
  event.type === 'storeClosed' || (event.type === 'storeOpened' && event.how !== 'journal');

/** The last event that heads.db stands for. */
const lastSession = ({ fileSystem, directory }: TierQuestion): Session | undefined => {
  let found: { event: StoreOpened | StoreClosed; position: Position } | undefined;
  let last: Position = 0;
  for (const record of readJournal({ fileSystem, directory, eventsOnly: true })) {
    last = record.position;
    if (record.type !== 'events') continue;
    for (const event of record.events) {
      if (isBase(event)) found = { event, position: record.position };
    }
  }
  if (found === undefined) return undefined;
  const { event, position } = found;
  return {
    position,
    closed: event.type === 'storeClosed',
    isLast: position === last,
    headsBytes: event.headsBytes,
    headsCrc32: event.headsCrc32,
  };
};
