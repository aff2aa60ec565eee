/** A bar that shows a share. */
import { h } from './elements.ts';

/** `share` from 0 to 1; `kind` is the class that colours the bar. */
export const meter = (share: number, kind = ''): HTMLElement => {
  const filled = h('div');
  const part = Math.max(0, Math.min(1, share));
  filled.style.width = `${part * 100}%`;
  return h('div', { class: `meter ${kind}`, role: 'img', 'aria-label': `${Math.round(part * 100)} %` }, filled);
};
