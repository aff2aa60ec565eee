/**
 * Decides which part of the journal is no longer needed. A pure function of the positions of all readers.
 *
 * - Replay needs everything from the last checkpoint on.
 * - The indexes need everything that they have not applied.
 * - A durable subscription needs everything that it has not acknowledged, up to `subscriptionBacklogBytes`. Beyond this
 *   bound the subscription is moved forward, and its next batch states exactly which range it lost.
 *
 * Only whole segments are removed.
 */
import type { Position } from '../../model/events.ts';

export interface TruncationInput {
  /** Starts of the segments, oldest first. */
  readonly segmentStarts: readonly Position[];
  readonly end: Position;
  /** Replay starts here. */
  readonly checkpoint: Position;
  /** The indexes have applied everything before this position. */
  readonly indexes: Position;
  readonly subscriptions: readonly { readonly name: string; readonly position: Position }[];
  /** Position of the slowest other reader in this process; infinity when there is none. */
  readonly readers?: Position;
  /** Journal bytes that subscriptions and other readers may hold back. */
  readonly subscriptionBacklogBytes: number;
}

export interface TruncationPlan {
  /** Segments that end at or before this position may be removed. It is the start of a segment, or of the journal. */
  readonly before: Position;
  /** Subscriptions that have to be moved forward first, each with the range that it loses. */
  readonly overruns: readonly { readonly name: string; readonly from: Position; readonly to: Position }[];
}

export const planTruncation = (input: TruncationInput): TruncationPlan => {
  const { segmentStarts, checkpoint, indexes, subscriptions, end, readers = end, subscriptionBacklogBytes } = input;
  const slowest = Math.min(...subscriptions.map(({ position }) => position), readers, end);
  const heldBack = Math.max(slowest, end - subscriptionBacklogBytes);
  const needed = Math.min(checkpoint, indexes, heldBack);
  const before = segmentStarts.findLast((start) => start <= needed) ?? segmentStarts[0] ?? 0;
  const overruns = subscriptions
    .filter(({ position }) => position < before)
    .map(({ name, position }) => ({ name, from: position, to: before }));
  return { before, overruns };
};
