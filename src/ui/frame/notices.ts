/** What the frame shows in place of a page: that the store is opening, that the page is locked. */
import { h } from '../parts/elements.ts';
import { meter } from '../parts/meter.ts';
import { failure } from '../parts/panel.ts';
import { formatCount } from '../parts/text/number-text.ts';
import type { LockedError } from '../server/ask-server.ts';
import type { ReadinessAnswer } from '../server/server-answers.ts';

/** How far opening the store has come. */
export const openingNotice = ({ progress }: ReadinessAnswer): HTMLElement => {
  const { phase = '', done = 0, total = 0 } = progress ?? {};
  const text = `${phase}: ${formatCount(done)}${total > 0 ? ` of ${formatCount(total)}` : ''}`;
  return h(
    'section',
    { class: 'panel' },
    h('h1', {}, 'The store is opening'),
    h('p', { class: 'soft' }, progress === undefined ? 'One moment.' : text),
    meter(total > 0 ? done / total : 0),
  );
};

/** The server does not let this page ask any more; says why. */
export const lockedNotice = (error: LockedError): HTMLElement =>
  h('section', { class: 'panel' }, h('h1', {}, 'This page is locked'), failure(error));
