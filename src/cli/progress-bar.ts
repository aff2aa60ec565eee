/**
 * One line on stderr that shows the progress of long work, redrawn in place at most ten times a second. It is shown
 * only on terminals, so a log file gets no bars.
 */
import type { Clock, Progress } from './library.ts';
import type { Terminal } from './terminal.ts';

const redrawMs = 100;
const barWidth = 24;
const clearLine = '\r\u001b[K';

const formatRemaining = (milliseconds: number): string => {
  const seconds = Math.ceil(milliseconds / 1000);
  return seconds < 90 ? `${seconds} s left` : `${Math.ceil(seconds / 60)} min left`;
};

const draw = ({ phase, done, total, remainingMs }: Progress): string => {
  if (total === 0) return `${phase}  ${done.toLocaleString('en-US')}`;
  const share = Math.min(1, done / total);
  const filled = Math.round(share * barWidth);
  const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled);
  const remaining = remainingMs === undefined ? '' : `  ${formatRemaining(remainingMs)}`;
  return `${phase}  ${bar} ${String(Math.floor(share * 100)).padStart(3)} %${remaining}`;
};

export interface ProgressBar {
  update(progress: Progress): void;
  /** Shows a text of the verb instead of a bar. */
  show(text: string): void;
  /** Removes the line, so that the next message starts at the beginning of the line. */
  clear(): void;
}

const silent: ProgressBar = { update: () => {}, show: () => {}, clear: () => {} };

export const createProgressBar = ({ err }: Terminal, clock: Clock): ProgressBar => {
  if (!err.isTerminal) return silent;
  let drawnAt = Number.NEGATIVE_INFINITY;
  let visible = false;
  const show = (text: string): void => {
    const now = clock.monotonic();
    if (now - drawnAt < redrawMs) return;
    drawnAt = now;
    visible = true;
    err.say(clearLine + text.slice(0, err.columns - 1));
  };
  return {
    show,
    update: (progress) => show(draw(progress)),
    clear: () => {
      if (visible) err.say(clearLine);
      visible = false;
    },
  };
};
