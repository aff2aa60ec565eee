/**
 * Storage: current pressure, journal, checkpoint, indexing, memory and quarantine, and the store's metrics over time.
 */

import { h, setText } from '../../parts/elements.ts';
import { failure, panel } from '../../parts/panel.ts';
import { formatCount } from '../../parts/text/number-text.ts';
import { formatTime } from '../../parts/text/time-text.ts';
import { ask, isAbort } from '../../server/ask-server.ts';
import { repeat } from '../../server/repeat.ts';
import type { StateValue } from '../../server/server-answers.ts';
import type { Mount } from '../page-mount.ts';
import { diskBars, memoryBars } from './byte-bars.ts';
import { figureTiles } from './figure-tiles.ts';
import { Figures } from './figures.ts';
import { OwnMetrics } from './own-metrics.ts';
import { quarantineTable, subscriptionTable } from './storage-tables.ts';

const figuresMs = 1000;
const storageMs = 5000;
const chartsMs = 5000;

export const mount: Mount = async (element, { signal }) => {
  const tiles = h('div', { class: 'tiles' });
  const memory = h('div');
  const disk = h('div');
  const quarantine = h('div');
  const subscriptions = h('div');
  const count = h('span', { class: 'badge' });
  const condition = h('span', { class: 'soft small' });
  const trouble = h('div', { 'aria-live': 'polite' });
  const ownMetrics = new OwnMetrics(signal);
  let state: StateValue | undefined;

  /** Shows the error of a task, until a task succeeds. */
  const guarded = (task: () => Promise<void>) => async (): Promise<void> => {
    try {
      await task();
      trouble.replaceChildren();
    } catch (error) {
      if (!isAbort(error) && !signal.aborted) trouble.replaceChildren(failure(error));
    }
  };

  const showStorage = async (): Promise<void> => {
    const { info, quarantined, subscriptions: durable, state: current } = await ask('/ui/storage', {}, signal);
    state = current;
    disk.replaceChildren(diskBars(info.bytes));
    setText(condition, `first sample ${formatTime(info.firstTime)}, last ${formatTime(info.lastTime)}`);
    setText(count, formatCount(quarantined.length));
    count.className = `badge ${quarantined.length > 0 ? 'bad' : 'good'}`;
    quarantine.replaceChildren(quarantineTable(quarantined));
    subscriptions.replaceChildren(subscriptionTable(durable));
  };

  const showFigures = async (): Promise<void> => {
    const figures = new Figures(await ask('/ui/figures', {}, signal));
    tiles.replaceChildren(...figureTiles(figures, state));
    memory.replaceChildren(memoryBars(figures));
  };

  element.append(
    h(
      'div',
      { class: 'stack' },
      trouble,
      tiles,
      h('div', { class: 'columns' }, panel('Memory by part', [], memory), panel('On disk', [condition], disk)),
      panel('Quarantine', [count], quarantine),
      panel('Subscriptions', [], subscriptions),
      ownMetrics.element,
    ),
  );
  repeat(guarded(showStorage), storageMs, signal);
  repeat(guarded(showFigures), figuresMs, signal);
  repeat(() => ownMetrics.load(), chartsMs, signal);
};
