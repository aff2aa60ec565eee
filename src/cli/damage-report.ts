/**
 * What an opening found damaged, and what it did about it, as lines on stderr. The findings are messages of the store's
 * logger. A verb that reads prints what is missing, each finding in a line. A verb that writes repairs, so it prints what
 * was found and done: one line for each kind of finding, with their number.
 */
import type { Labels, Logger } from '../index.ts';
import { formatLabels } from '../text/label-text.ts';
import { formatCount } from '../text/quantities.ts';
import type { ExitCode } from './exit-codes.ts';
import { exitCodes } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

/** The facts of a log message that tell damage from the usual work of a recovery. */
interface Facts {
  readonly err?: { readonly code?: string; readonly message?: string };
  /** The kind of a finding, a finding of the journal, or a text about checksums. */
  readonly finding?: { readonly kind: string } | string;
  readonly fingerprint?: string;
  readonly labels?: Labels;
  readonly reason?: string;
  /** The index that is concerned. */
  readonly index?: string;
}

interface Finding {
  readonly kind: string;
  readonly text: string;
}

/**
 * Findings of which samples may be missing. Others are repaired without loss, or are the usual traces of a crash. Damage
 * of series is not among them, because the results of queries include it.
 */
const losses: ReadonlySet<string> = new Set([
  'checkpointMissing',
  'recordDamaged',
  'seriesLost',
  'fileMissing',
  'hole',
  'badRecord',
  'missingSegment',
  'retentionDamaged',
  'lastCloseDamaged',
]);

/** A crash leaves these, and nothing that was acknowledged is in them. */
const traces: ReadonlySet<string> = new Set(['tornTail', 'emptySegment']);

const findingOf = (facts: Facts, message: string, isError: boolean): Finding | undefined => {
  const { err, finding, index } = facts;
  const kind = typeof finding === 'object' ? finding.kind : finding;
  const isCorrupt = err?.code?.startsWith('TIDEMARK_CORRUPT_') === true;
  if (kind === undefined && index === undefined && !isCorrupt && !isError) return undefined;
  if (kind !== undefined && traces.has(kind)) return undefined;
  const isName = kind !== undefined && /^\w+$/.test(kind);
  return { kind: isName ? kind : message, text: sentenceOf(facts, message, isName ? undefined : kind) };
};

const sentenceOf = (facts: Facts, message: string, detail: string | undefined): string => {
  const { err, fingerprint, labels, reason, index } = facts;
  const what = labels === undefined ? (fingerprint ?? index) : formatLabels(labels);
  const why = err?.message ?? reason ?? detail;
  return `${what === undefined ? '' : `${what}: `}${message}${why === undefined ? '' : ` (${why})`}`;
};

const nothing = (): void => {};

/** The findings of a verb that reads. */
export class ReadingReport {
  /** For the options of the opening. */
  readonly logger: Logger;
  private readonly err: Terminal['err'];
  private readonly waiting: string[] = [];
  private count = 0;

  constructor({ err }: Pick<Terminal, 'err'>) {
    this.err = err;
    this.logger = {
      debug: nothing,
      info: nothing,
      warn: (facts: Facts, message) => {
        const found = findingOf(facts, message, false);
        if (found === undefined) return;
        if (losses.has(found.kind) || facts.err?.code?.startsWith('TIDEMARK_CORRUPT_')) this.waiting.push(found.text);
      },
      error: nothing,
    };
  }

  /** Prints what the opening found. */
  print(): void {
    for (const text of this.waiting.splice(0)) this.note(text);
  }

  /** Prints one problem that the verb found itself. */
  note(what: string): void {
    this.count++;
    this.err.say(`not readable: ${what}\n`);
  }

  get exitCode(): ExitCode {
    return this.count === 0 ? exitCodes.ok : exitCodes.problems;
  }
}

/** The findings of a verb that writes. */
export class RepairReport {
  /** For the options of the opening. */
  readonly logger: Logger;
  private readonly err: Terminal['err'];
  private readonly kinds = new Map<string, { readonly first: string; more: number; isPrinted: boolean }>();
  private isFollowing = false;

  constructor({ err }: Pick<Terminal, 'err'>) {
    this.err = err;
    this.logger = {
      debug: nothing,
      info: nothing,
      warn: (facts: Facts, message) => this.take(findingOf(facts, message, false)),
      // An error that ends the opening is printed by its caller.
      error: (facts: Facts, message) => this.take(findingOf(facts, message, this.isFollowing)),
    };
  }

  /** Prints a line for each kind of finding since the last call. */
  print(): void {
    for (const [kind, { first, more, isPrinted }] of this.kinds) {
      const others = more === 0 ? '' : ` … and ${formatCount(more)} more of this kind`;
      if (!isPrinted) this.err.say(`recovery: ${first}${others}\n`);
      else if (more > 0) this.err.say(`recovery: ${formatCount(more)} more of this kind: ${first}\n`);
      this.kinds.delete(kind);
    }
  }

  /** From now on, the first finding of a kind is printed as soon as it is made. For a verb that goes on for long. */
  follow(): void {
    this.print();
    this.isFollowing = true;
  }

  private take(found: Finding | undefined): void {
    if (found === undefined) return;
    const { kind, text } = found;
    const known = this.kinds.get(kind);
    if (known !== undefined) {
      known.more++;
      return;
    }
    this.kinds.set(kind, { first: text, more: 0, isPrinted: this.isFollowing });
    if (this.isFollowing) this.err.say(`recovery: ${text}\n`);
  }
}
