/** The part of the Actors page that shows one series: one that is followed, or one that is in quarantine. */

import { h } from '../../parts/elements.ts';
import type { ChartLayout } from '../../parts/statechart/chart-layout.ts';
import type { Labels, SelectedFrame } from '../../server/server-answers.ts';
import { FollowedSeries } from './followed-panels.ts';
import { showQuarantined } from './quarantined-detail.ts';

export class SeriesDetail {
  readonly element = h(
    'section',
    { class: 'detail', 'aria-label': 'One series', tabindex: '-1' },
    h('p', { class: 'empty panel' }, 'Pick a series, or a state in the chart and then a series, to follow it here.'),
  );
  private readonly layout: ChartLayout;
  private showing: AbortController | undefined;
  private followed: FollowedSeries | undefined;

  constructor(layout: ChartLayout, signal: AbortSignal) {
    this.layout = layout;
    signal.addEventListener('abort', () => this.showing?.abort());
  }

  /** Follows a series, in place of the one before. */
  follow(labels: Labels): void {
    const signal = this.begin();
    this.followed = new FollowedSeries(labels, this.layout, signal);
    this.element.replaceChildren(...this.followed.elements);
  }

  /** Shows a series in quarantine, in place of the one before. */
  showQuarantined(fingerprint: string): void {
    void showQuarantined(this.element, fingerprint, this.begin());
  }

  /** Goes there: where a series was picked, its detail may be out of sight. */
  focus(): void {
    this.element.focus({ preventScroll: true });
    this.element.scrollIntoView({ block: 'start' });
  }

  showFrame(frame: SelectedFrame, now: number): void {
    this.followed?.showFrame(frame, now);
  }

  fade(now: number): void {
    this.followed?.fade(now);
  }

  private begin(): AbortSignal {
    this.showing?.abort();
    this.showing = new AbortController();
    this.followed = undefined;
    return this.showing.signal;
  }
}
