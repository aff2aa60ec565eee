/**
 * Storage: current pressure, journal, checkpoint, indexing, memory and quarantine, and the store's metrics over time.
 */

import { h, setText } from '../../parts/elements.ts';
import { failure, panel } from '../../parts/panel.ts';
import { formatCount } from '../../parts/text/number-text.ts';
import { formatTime } from '../../parts/text/time-text.ts';
import { ask, isAbort } from '../../server/ask-server.ts';
import { repeat } from '../../server/repeat.ts';
import type { Mount } from '../page-mount.ts';
import { ByteBars, diskRows, memoryRows } from './byte-bars.ts';
import { figureTiles, type Surroundings } from './figure-tiles.ts';
import { Figures } from './figures.ts';
import { OwnMetrics } from './own-metrics.ts';
import { quarantineTable, subscriptionTable } from './storage-tables.ts';
import { TileGrid } from './tile-grid.ts';

const figuresMs = 1000;
const storageMs = 5000;
const chartsMs = 5000;

export const mount: Mount = async (element, { signal }) => {
  const tiles = new TileGrid();
  const memory = new ByteBars();
  const disk = new ByteBars();
  const quarantine = h('div');
  const subscriptions = h('div');
  const count = h('span', { class: 'badge' });
  const condition = h('span', { class: 'soft small' });
  const trouble = h('div', { 'aria-live': 'polite' });
  const ownMetrics = new OwnMetrics(signal);
  let surroundings: Surroundings = { state: undefined, checkpoint: undefined };
  /** What the tables show, so that they are only replaced by something else: a link keeps the focus. */
  let shown = '';

  /** Shows the error of a task until it succeeds. */
  const guarded = (task: () => Promise<void>): (() => Promise<void>) => {
    const own = h('div');
    trouble.append(own);
    return async () => {
      try {
        await task();
        own.replaceChildren();
      } catch (error) {
        if (!isAbort(error) && !signal.aborted) own.replaceChildren(failure(error));
      }
    };
  };

  const showStorage = async (): Promise<void> => {
    const answer = await ask('/ui/storage', {}, signal);
    const { info, quarantined, quarantinedCount, subscriptions: durable, state, checkpoint } = answer;
    surroundings = { state, checkpoint };
    disk.show(diskRows(info.bytes));
    setText(condition, `first sample ${formatTime(info.firstTime)}, last ${formatTime(info.lastTime)}`);
    setText(count, formatCount(quarantinedCount));
    count.className = `badge ${quarantinedCount > 0 ? 'bad' : 'good'}`;
    const next = JSON.stringify([quarantined, quarantinedCount, durable]);
    if (next === shown) return;
    shown = next;
    quarantine.replaceChildren(quarantineTable(quarantined, quarantinedCount));
    subscriptions.replaceChildren(subscriptionTable(durable));
  };

  const showFigures = async (): Promise<void> => {
    const figures = new Figures(await ask('/ui/figures', {}, signal));
    tiles.show(figureTiles(figures, surroundings));
    memory.show(memoryRows(figures));
  };

  element.append(
    h(
      'div',
      { class: 'stack' },
      h('h1', { class: 'unseen' }, 'Storage'),
      trouble,
      tiles.element,
      h(
        'div',
        { class: 'columns' },
        panel('Memory by part', [], memory.element),
        panel('On disk', [condition], disk.element),
      ),
      panel('Quarantine', [count], quarantine),
      panel('Subscriptions', [], subscriptions),
      ownMetrics.element,
    ),
  );
  repeat(guarded(showStorage), storageMs, signal);
  repeat(guarded(showFigures), figuresMs, signal);
  repeat(() => ownMetrics.load(), chartsMs, signal);
};
