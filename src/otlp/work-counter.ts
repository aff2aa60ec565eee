/**
 * Says when a conversion has done enough for one turn of the event loop. It counts work instead of reading a clock: a unit
 * is an attribute, a sample or a small message, and takes a few microseconds at most.
 */

const UNITS_PER_TURN = 500;

export class WorkCounter {
  private done = 0;

  /** Adds units; true if the event loop should go on now. */
  isDue(units: number): boolean {
    this.done += units;
    if (this.done < UNITS_PER_TURN) return false;
    this.done = 0;
    return true;
  }
}
