/** Whether the server answers: shown in the corner, and followed while the pages are open. */
import { elementById, setText } from '../parts/elements.ts';
import { ask, LockedError } from '../server/ask-server.ts';
import type { ReadinessAnswer, StoreAnswer } from '../server/server-answers.ts';
import { lockedNotice, openingNotice } from './notices.ts';
import type { PageFrame } from './page-frame.ts';

const openingMs = 300;
const connectedMs = 3000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What the server knows; both are `undefined` if it can't be asked for now. */
interface Answer {
  readonly readiness: ReadinessAnswer | undefined;
  readonly store: StoreAnswer | LockedError | undefined;
}

export class Connection {
  private readonly frame: PageFrame;
  private readonly badge = elementById('connection');

  constructor(frame: PageFrame) {
    this.frame = frame;
  }

  /** Resolves with the store when it is open; shows the progress until then. */
  async untilOpen(): Promise<StoreAnswer> {
    for (;;) {
      const { readiness, store } = await this.look();
      if (store instanceof LockedError) this.showLocked(store);
      else if (store !== undefined) return store;
      else if (readiness !== undefined && readiness.status !== 'ready') this.frame.replace(openingNotice(readiness));
      await pause(openingMs);
    }
  }

  /** Follows the server for as long as the pages are open. Shows the page again when the server is back. */
  async watch(): Promise<never> {
    let wasConnected = true;
    let wasLocked = false;
    for (;;) {
      await pause(connectedMs);
      if (document.hidden) continue;
      const { store } = await this.look();
      const isLocked = store instanceof LockedError;
      if (isLocked && !wasLocked) this.showLocked(store);
      const isConnected = store !== undefined && !isLocked;
      if (isConnected && (!wasConnected || wasLocked)) this.frame.show();
      // While the server can't be asked, the page stays locked.
      wasLocked = isLocked || (wasLocked && !isConnected);
      wasConnected = isConnected;
    }
  }

  /** Asks the server, and shows the answer in the corner. */
  private async look(): Promise<Answer> {
    const readiness = await ask('/-/ready').catch(() => undefined);
    if (readiness === undefined) this.show('no connection', 'bad');
    else if (readiness.status !== 'ready') this.show('opening', 'warn');
    if (readiness?.status !== 'ready') return { readiness, store: undefined };
    const store = await ask('/ui/store').catch((error: unknown) => (error instanceof LockedError ? error : undefined));
    if (store !== undefined && !(store instanceof LockedError)) this.show('connected', 'good');
    return { readiness, store };
  }

  private showLocked(error: LockedError): void {
    this.show('locked', 'bad');
    this.frame.replace(lockedNotice(error));
  }

  private show(text: string, kind: string): void {
    setText(this.badge, text);
    this.badge.className = `badge ${kind}`;
  }
}
