/** Replay: step through the journal, or through a file of events, and watch the statecharts change. */

import { h, setText } from '../../parts/elements.ts';
import { failure, panel } from '../../parts/panel.ts';
import { Statechart } from '../../parts/statechart/statechart.ts';
import { loadLayout } from '../../parts/statechart/statechart-layout.ts';
import { formatCount } from '../../parts/text/number-text.ts';
import { formatTime } from '../../parts/text/time-text.ts';
import type { PageEvent } from '../../server/server-answers.ts';
import type { Mount } from '../page-mount.ts';
import { EventRows } from './event-rows.ts';
import { eventsMax, loadJournal, parseEvents } from './replay-events.ts';
import { ReplayedStates } from './replayed-states.ts';

const playMs = 180;

const seriesStates = ['inMemory', 'persisting', 'archived', 'quarantined', 'purged'];

export const mount: Mount = async (element, { signal }) => {
  const [seriesLayout, storeLayout] = await Promise.all([loadLayout('series', signal), loadLayout('store', signal)]);
  const seriesChart = new Statechart(seriesLayout.overview, 'Statechart of a series at this point of the replay');
  const storeChart = new Statechart(storeLayout.overview, 'Statechart of the store at this point of the replay');
  let replay = new ReplayedStates([]);
  let playing: ReturnType<typeof setInterval> | undefined;

  const slider = h('input', {
    type: 'range',
    class: 'steps',
    min: '0',
    max: '0',
    value: '0',
    step: '1',
    'aria-label': 'Event',
    oninput: () => goTo(Number(slider.value)),
  });
  const where = h('span', { class: 'mono', role: 'status' });
  const source = h('span', { class: 'soft small' });
  const store = h('span', { class: 'soft small' });
  const trouble = h('div');
  const rows = new EventRows((index) => stepTo(index));
  const playButton = h('button', { type: 'button', onclick: () => (playing === undefined ? play() : pause()) }, 'Play');
  const step = (text: string, title: string, target: () => number): HTMLElement =>
    h('button', { type: 'button', title, 'aria-label': title, onclick: () => stepTo(target()) }, text);
  const file = h('input', {
    type: 'file',
    accept: '.json,.jsonl,.ndjson,.txt',
    hidden: true,
    onchange: () => openFile(),
  });

  const show = (): void => {
    const { index, events, lastMoves } = replay;
    const event = events[index - 1];
    slider.max = String(events.length);
    slider.value = String(index);
    const what = event === undefined ? '' : `  ${formatTime(event.time)}  ${event.type}`;
    setText(where, `${formatCount(index)} of ${formatCount(events.length)}${what}`);
    seriesChart.showCounts(Object.fromEntries(seriesStates.map((name) => [name, replay.count(name)])));
    seriesChart.lightBetween(
      lastMoves
        .filter(({ from }) => from !== undefined)
        .map(({ from, to }) => [`series.${from}`, `series.${to}`] as const),
    );
    seriesChart.showActive([...new Set(lastMoves.map(({ to }) => `series.${to}`))]);
    showStore();
    rows.show(events, index);
  };

  const showStore = (): void => {
    const { phase, pressure, health } = replay.store;
    storeChart.showActive(phase === undefined ? [] : [`store.${phase}`]);
    const known = Object.entries({ pressure, health }).filter(([, value]) => value !== undefined);
    setText(store, known.map(([name, value]) => `${name}: ${value}`).join(', '));
  };

  const goTo = (index: number): void => {
    replay.goTo(index);
    show();
  };
  const pause = (): void => {
    clearInterval(playing);
    playing = undefined;
    setText(playButton, 'Play');
  };
  const stepTo = (index: number): void => {
    pause();
    goTo(index);
  };
  const play = (): void => {
    if (replay.index === replay.events.length) replay.goTo(0);
    setText(playButton, 'Pause');
    playing = setInterval(() => {
      goTo(replay.index + 1);
      if (replay.index === replay.events.length) pause();
    }, playMs);
  };

  const start = (events: readonly PageEvent[], name: string): void => {
    pause();
    replay = new ReplayedStates(events.slice(-eventsMax));
    setText(source, `${name}, ${formatCount(events.length)} lifecycle event${events.length === 1 ? '' : 's'}`);
    trouble.replaceChildren(
      events.length === 0 ? h('p', { class: 'empty' }, 'The journal has no lifecycle events yet.') : '',
    );
    goTo(0);
  };
  const openFile = async (): Promise<void> => {
    const chosen = file.files?.[0];
    if (chosen === undefined) return;
    try {
      start(parseEvents(await chosen.text()), chosen.name);
    } catch (error) {
      trouble.replaceChildren(failure(error));
    }
    file.value = '';
  };
  const openJournal = async (): Promise<void> => {
    setText(source, 'reading the journal');
    start(
      await loadJournal(signal, (count) => setText(source, `reading the journal: ${formatCount(count)}`)),
      'The journal of this store',
    );
  };

  const onKey = (event: KeyboardEvent): void => {
    if (event.target instanceof Element && event.target.matches('input, textarea, select')) return;
    if (event.key === 'ArrowRight') stepTo(replay.index + 1);
    else if (event.key === 'ArrowLeft') stepTo(replay.index - 1);
    else return;
    event.preventDefault();
  };
  document.addEventListener('keydown', onKey);
  signal.addEventListener('abort', () => {
    pause();
    document.removeEventListener('keydown', onKey);
  });

  element.append(
    h(
      'div',
      { class: 'stack' },
      panel(
        'Replay',
        [
          source,
          h('span', { class: 'grow' }),
          h('button', { type: 'button', onclick: () => openJournal() }, 'Read the journal again'),
          h('button', { type: 'button', onclick: () => file.click() }, 'Open a file…'),
          file,
        ],
        trouble,
        h(
          'div',
          { class: 'row' },
          step('First', 'To the beginning', () => 0),
          step('Back', 'One event back', () => replay.index - 1),
          playButton,
          step('Next', 'One event on', () => replay.index + 1),
          step('Last', 'To the end', () => replay.events.length),
          slider,
        ),
        h('p', { class: 'small' }, where),
      ),
      h('div', { class: 'replay' }, panel('Series', [], seriesChart.element), panel('Events', [], rows.element)),
      panel('Store', [store], storeChart.element),
    ),
  );
  await openJournal();
  // A link from a chart names the event by its position in the journal.
  const position = Number(new URLSearchParams(location.search).get('position') ?? Number.NaN);
  const linked = replay.events.findIndex((event) => Number(event['position']) >= position);
  if (linked >= 0) goTo(linked + 1);
};
