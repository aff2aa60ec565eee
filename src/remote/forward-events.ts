/** What a forwarding tells the program that started it. */
import type { Position } from '../index.ts';
import type { DropReason } from './receiver.ts';

export type ForwardEvent =
  /** Samples were given up; `message` has what the receiver said, at most 1 KiB. */
  | {
      readonly type: 'samplesDropped';
      readonly reason: DropReason;
      readonly samples: number;
      /** The status of the receiver's answer, if there was one. */
      readonly status?: number;
      readonly message: string;
    }
  /** A part of the journal was lost: it was removed before it was sent, or it is damaged. */
  | { readonly type: 'rangeLost'; readonly from: Position; readonly to: Position }
  /** An attempt failed and is repeated. */
  | { readonly type: 'attemptFailed'; readonly failures: number; readonly message: string }
  /** The receiver refuses this sender, or is not at the address. Tried again after minutes. */
  | { readonly type: 'paused'; readonly message: string }
  /** The receiver does not know protocol 2.0: from now on it gets 1.0. */
  | { readonly type: 'fellBack'; readonly message: string }
  /** All samples that the store had at the start were sent; the journal follows. */
  | { readonly type: 'historySent' }
  /** Forwarding has ended; `error` is why, unless it was stopped or the store was closed. */
  | { readonly type: 'stopped'; readonly error?: unknown };
