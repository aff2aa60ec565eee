/**
 * How many late samples the merges of one process must refuse: those that were accepted and for whose time the series
 * has another value. A close merges all, so that the numbers can be compared then.
 */
import type { Store } from '../../src/api/api.ts';
import { Violation } from './model.ts';

export class Refusals {
  private readonly conflicts = new Set<string>();
  private most = 0;
  private isCertain: boolean;
  private readonly beganEmpty: boolean;
  private refused = 0;

  /** `beganEmpty`: no late sample waited when the process began. `isCertain`: no sample can go before it is merged. */
  constructor(beganEmpty: boolean, isCertain: boolean) {
    this.beganEmpty = beganEmpty;
    this.isCertain = isCertain;
  }

  listen(store: Store): void {
    store.events$.subscribe({
      next: (event) => {
        if (event.type === 'lateSamplesMerged') this.refused += event.refused;
      },
      error: () => {},
    });
  }

  /** A late sample was accepted that differs from the one of its time. The same one may wait already. */
  note(number: number, time: number): void {
    this.conflicts.add(`${number} ${time}`);
    this.most++;
  }

  /** As {@link note}, but the one of that time may be gone: retention may have dropped it, or a rule may hide it. */
  notePossible(): void {
    this.most++;
  }

  /** Samples were dropped, some of which may have waited to be merged. */
  noteDrop(): void {
    this.isCertain = false;
  }

  /** Checks the number that was refused, after a clean close. */
  check(): void {
    const least = this.isCertain ? this.conflicts.size : 0;
    if (this.refused < least || (this.beganEmpty && this.refused > this.most))
      throw new Violation(`merges refused ${this.refused} samples, and ${least} to ${this.most} differed`);
  }
}
