/** What a directory must hold and what it may hold, according to the claims of all its writers. */
import type { Claim } from './claims.ts';
import { bornIn, type Name, nameOf, seriesOf } from './samples.ts';

interface Life {
  readonly first: number;
  /** The last round whose samples may have been appended. */
  last: number;
  acknowledged: number;
}

interface Drop {
  names: ReadonlySet<Name>;
  /** The drop removes the samples of the series up to this round. */
  readonly round: number;
  /** The last round that had been appended when the drop was done; `undefined` until then. */
  doneIn: number | undefined;
}

export interface Backup {
  readonly directory: string;
  readonly life: number;
  readonly round: number;
  /** How many drops were done when the backup began. */
  readonly dropsDone: number;
  isDone: boolean;
}

export class Ledger {
  readonly lives: Life[] = [];
  readonly drops: Drop[] = [];
  /** Rounds in which a series got no sample, because it was being dropped. */
  private readonly pauses: { readonly names: ReadonlySet<Name>; readonly after: number; readonly last: number }[] = [];
  readonly backups: Backup[] = [];
  readonly complaints: string[] = [];
  /** Rounds of `steady/0` that the subscriber has received. */
  readonly delivered = new Set<number>();
  private deliveredMax = -1;
  /** Samples that must stay because an opening showed them before a later acknowledgement. */
  private kept = new Map<Name, ReadonlySet<number>>();
  private seen = new Map<Name, ReadonlySet<number>>();

  /** The first round of the next life. */
  get next(): number {
    return Math.max(-1, ...this.lives.map(({ last }) => last)) + 1;
  }

  /** Records the claims of one life. */
  take(claims: readonly Claim[]): void {
    const life: Life = { first: this.next, last: this.next - 1, acknowledged: this.next - 1 };
    this.lives.push(life);
    const begun = new Map<number, Drop>();
    const delivered: number[] = [];
    for (const claim of claims) {
      if (claim.type === 'appending') life.last = claim.round;
      else if (claim.type === 'acknowledged') this.acknowledge(life, claim.round);
      else if (claim.type === 'dropping') {
        const drop = { names: new Set(claim.names), round: claim.round, doneIn: undefined };
        this.drops.push(drop);
        begun.set(claim.drop, drop);
      } else if (claim.type === 'dropped') {
        const drop = begun.get(claim.drop);
        if (drop !== undefined) drop.doneIn = life.last;
      } else if (claim.type === 'copying') {
        const dropsDone = this.drops.filter(({ doneIn }) => doneIn !== undefined).length;
        const { directory, round } = claim;
        this.backups.push({ directory, round, life: this.lives.length - 1, dropsDone, isDone: false });
      } else if (claim.type === 'copied') {
        const made = this.backups.find(({ directory }) => directory === claim.directory);
        if (made !== undefined) made.isDone = true;
      } else if (claim.type === 'delivered') delivered.push(...claim.rounds);
      else if (claim.type === 'subscriberLost') this.complaints.push(`subscriber: told of a loss, ${claim.what}`);
      else if (claim.type === 'failed') this.complaints.push(`failed: ${claim.what}`);
    }
    for (const { names, round, doneIn } of begun.values()) {
      this.pauses.push({ names, after: round, last: doneIn ?? life.last });
    }
    for (const round of delivered) this.deliver(round);
  }

  /** Records that the last life closed the store, which acknowledges everything that it appended. */
  close(): void {
    const life = this.lives.at(-1);
    if (life !== undefined) this.acknowledge(life, life.last);
  }

  /** Records the content that an opening has shown. From the next acknowledgement on, these samples must stay. */
  show(found: ReadonlyMap<Name, ReadonlyMap<number, unknown>>): void {
    this.seen = new Map([...found].map(([name, samples]) => [name, new Set(samples.keys())]));
    for (const drop of this.undecided) {
      // The opening decides an interrupted drop, for each series separately: a series with samples left is not dropped.
      const isLeft = (name: Name): boolean => [...(found.get(name)?.keys() ?? [])].some((k) => k <= drop.round);
      drop.names = new Set([...drop.names].filter((name) => !isLeft(name)));
      drop.doneIn = this.next - 1;
    }
  }

  isAllowed(name: Name, round: number): boolean {
    return this.lives.some(({ first, last }) => round >= first && round <= last && bornIn(name) <= round);
  }

  /** The rounds of each series that must be in the directory, or in the backup if one is given. */
  required(backup?: Backup): Map<Name, Set<number>> {
    const required = new Map<Name, Set<number>>();
    const add = (name: Name, round: number): void => {
      if (this.isExcused(name, round)) return;
      required.set(name, (required.get(name) ?? new Set()).add(round));
    };
    for (const [index, { first, acknowledged }] of this.lives.entries()) {
      if (backup !== undefined && index > backup.life) break;
      const last = backup?.life === index ? backup.round : acknowledged;
      for (let round = first; round <= last; round++) for (const name of seriesOf(round, first)) add(name, round);
    }
    for (const [name, rounds] of this.kept) for (const round of rounds) add(name, round);
    return required;
  }

  /** Whether a finished drop has removed the sample. */
  isDropped(name: Name, round: number, backup?: Backup): boolean {
    let done = 0;
    for (const drop of this.drops) {
      if (drop.doneIn === undefined) continue;
      if (backup !== undefined && done++ >= backup.dropsDone) break;
      if (drop.names.has(name) && round <= drop.round) return true;
    }
    return false;
  }

  /** Drops that a crash interrupted: each of their series has all of its acknowledged samples, or none. */
  get undecided(): readonly Drop[] {
    return this.drops.filter(({ doneIn }) => doneIn === undefined);
  }

  /** The acknowledged rounds of a series that an interrupted drop was to remove. */
  takenBy(drop: Drop, name: Name): number[] {
    const rounds: number[] = [];
    for (const { first, acknowledged } of this.lives) {
      for (let round = first; round <= Math.min(acknowledged, drop.round); round++) {
        const isThere = seriesOf(round, first).includes(name) && !this.isPaused(name, round);
        if (isThere && !this.isDropped(name, round)) rounds.push(round);
      }
    }
    return rounds;
  }

  /** Acknowledged rounds that were never delivered. To be called once the subscriber has caught up. */
  undelivered(): number[] {
    const missing: number[] = [];
    for (const { first, acknowledged } of this.lives) {
      for (let round = first; round <= acknowledged; round++) if (!this.delivered.has(round)) missing.push(round);
    }
    return missing;
  }

  private acknowledge(life: Life, round: number): void {
    life.acknowledged = Math.max(life.acknowledged, round);
    this.kept = this.seen;
  }

  /** Records a delivery. Delivery is at least once and in order, so no acknowledged round may be skipped. */
  private deliver(round: number): void {
    const isAcknowledged = (k: number): boolean =>
      this.lives.some(({ first, acknowledged }) => k >= first && k <= acknowledged);
    for (let k = this.deliveredMax + 1; k < round; k++) {
      if (isAcknowledged(k)) this.complaints.push(`subscriber: round ${k} was passed over, ${round} came`);
    }
    this.deliveredMax = Math.max(this.deliveredMax, round);
    this.delivered.add(round);
    if (!this.isAllowed(nameOf('steady', 0), round)) this.complaints.push(`subscriber: round ${round} was invented`);
  }

  /** Whether the sample may be missing: a drop covers it, or a drop was running and the sample was not appended. */
  private isExcused(name: Name, round: number): boolean {
    return this.drops.some((drop) => drop.names.has(name) && round <= drop.round) || this.isPaused(name, round);
  }

  private isPaused(name: Name, round: number): boolean {
    return this.pauses.some(({ names, after, last }) => names.has(name) && round > after && round <= last);
  }
}
