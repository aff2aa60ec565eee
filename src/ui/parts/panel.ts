/** A panel with a heading, and what is shown in place of something that failed. */
import { h } from './elements.ts';

/** `beside` are elements next to the heading. */
export const panel = (
  title: string,
  beside: readonly HTMLElement[],
  ...children: readonly (Element | string)[]
): HTMLElement =>
  h('section', { class: 'panel', 'aria-label': title }, h('header', {}, h('h2', {}, title), ...beside), ...children);

/** The element that is shown in place of something that failed. */
export const failure = (error: unknown): HTMLElement =>
  h('p', { class: 'failure', role: 'alert' }, error instanceof Error ? error.message : String(error));
