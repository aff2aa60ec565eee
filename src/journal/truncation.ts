/**
 * Which part of the journal nobody needs any more. A pure function of where everybody stands.
 *
 * Replay needs everything from the last checkpoint on, the indexes everything they have not taken in, a durable
 * subscription everything it has not acknowledged: the last of these within a bound, beyond which it is moved on and
 * told exactly what it lost. Only whole segments go.
 */
import type { Position } from '../model/events.ts';

export interface TruncationInput {
  /** Starts of the segments, oldest first. */
  readonly segmentStarts: readonly Position[];
  readonly end: Position;
  /** Replay starts here. */
  readonly checkpoint: Position;
  /** The indexes have taken in everything before. */
  readonly indexes: Position;
  readonly subscriptions: readonly { readonly name: string; readonly position: Position }[];
  /** Where the slowest other reader of this process stands; infinity when there is none. */
  readonly readers?: Position;
  /** Journal bytes that subscriptions and other readers may hold back. */
  readonly subscriptionBacklogBytes: number;
}

export interface TruncationPlan {
  /** Segments that end here or before may go. The start of a segment, or of the journal. */
  readonly before: Position;
  /** Subscriptions that have to be moved on first, and what they lose. */
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
