/** What an import leaves out. */

export interface LeftOut {
  /** The title of the panel, or what else it is about. */
  readonly what: string;
  readonly why: string;
}

const shownMax = 120;

/** Text of the file in a message. */
export const quoted = (text: string): string =>
  JSON.stringify(text.length > shownMax ? `${text.slice(0, shownMax)}…` : text);

/** Notes what is left out; the same is noted once. */
export class LeftOutNotes {
  readonly all: LeftOut[] = [];

  add(what: string, why: string): void {
    const shown = what.length > shownMax ? `${what.slice(0, shownMax)}…` : what;
    if (!this.all.some((one) => one.what === shown && one.why === why)) this.all.push({ what: shown, why });
  }
}
