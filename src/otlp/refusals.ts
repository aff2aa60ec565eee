/** Counts the points that a conversion refused, and keeps the first few reasons for the answer to the sender. */
import { cutText } from '../model/shown-value.ts';

const REASON_COUNT_MAX = 5;
const REASON_LENGTH_MAX = 300;

export class Refusals {
  /** Number of points. */
  points = 0;
  private readonly reasons = new Map<string, number>();
  private areMore = false;

  /** Adds refused points; 0 for a reason that concerns no point. */
  add(reason: string, points: number): void {
    this.points += points;
    const text = cutText(reason, REASON_LENGTH_MAX);
    const earlier = this.reasons.get(text);
    if (earlier === undefined && this.reasons.size >= REASON_COUNT_MAX) this.areMore = true;
    else this.reasons.set(text, (earlier ?? 0) + points);
  }

  /** The reasons, each with its number of points; empty if there are none. */
  get message(): string {
    const texts = [...this.reasons].map(([reason, points]) => (points > 1 ? `${reason} (${points} points)` : reason));
    return [...texts, ...(this.areMore ? ['and others'] : [])].join('; ');
  }
}
