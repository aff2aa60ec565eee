/** Replay: step through the journal, or through a file of events, and watch the statecharts change. */
import { failure, h, panel, setText } from './dom.js';
import { formatClock, formatCount, formatLabels, formatTime } from './format.js';
import { Replay } from './replay-state.js';
import { ask } from './server.js';
import { drawStatechart, loadLayouts } from './statechart.js';

const pageSize = 2000;
/** The maximum number of events in the page. */
const eventsMax = 50_000;
const playMs = 180;
/** How many rows of the list are shown around the current event. */
const rowsAround = 40;

const names = ['inMemory', 'persisting', 'archived', 'quarantined', 'purged'];

const subjectOf = (/** @type {any} */ { labels, fingerprint, fingerprints, to, name }) => {
  if (labels !== undefined) return formatLabels(labels);
  if (fingerprints !== undefined) return `${formatCount(fingerprints.length)} series`;
  return fingerprint ?? to ?? name ?? '';
};

/** The lifecycle events of the journal, a page at a time. */
const loadJournal = async (/** @type {AbortSignal} */ signal, /** @type {(count: number) => void} */ onProgress) => {
  /** @type {any[]} */
  const events = [];
  /** @type {number | undefined} */
  let from;
  do {
    const page = await ask('/ui/journal', { from, limit: pageSize }, signal);
    events.push(...page.events);
    onProgress(events.length);
    from = page.next;
  } while (from !== undefined && events.length < eventsMax);
  return events;
};

/** The events of a file: JSON lines, as `tidemark events` and the simulator print them. */
export const parseEvents = (/** @type {string} */ text) => {
  const events = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, i) => {
      try {
        return JSON.parse(line);
      } catch {
        throw new Error(`Line ${i + 1} of the file is not JSON.`);
      }
    })
    .filter((event) => typeof event?.type === 'string' && event.type !== 'samplesAppended');
  if (events.length === 0)
    throw new Error('The file has no lifecycle events: one JSON object with a "type" on each line.');
  return events;
};

export const mount = async (/** @type {HTMLElement} */ page, /** @type {{ signal: AbortSignal }} */ { signal }) => {
  const layouts = await loadLayouts(signal);
  const seriesChart = drawStatechart(layouts.series.overview, 'Statechart of a series at this point of the replay');
  const storeChart = drawStatechart(layouts.store.overview, 'Statechart of the store at this point of the replay');
  let replay = new Replay([]);
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let playing;

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
  const rows = h('tbody');
  const list = h(
    'div',
    { class: 'scroll events', tabindex: '0' },
    h(
      'table',
      {},
      h('thead', {}, h('tr', {}, ...['#', 'Time', 'Event', 'What'].map((text) => h('th', {}, text)))),
      rows,
    ),
  );
  const playButton = h('button', { type: 'button', onclick: () => (playing === undefined ? play() : pause()) }, 'Play');
  const step = (/** @type {string} */ text, /** @type {string} */ title, /** @type {() => number} */ target) =>
    h(
      'button',
      {
        type: 'button',
        title,
        'aria-label': title,
        onclick: () => {
          pause();
          goTo(target());
        },
      },
      text,
    );
  const file = h('input', {
    type: 'file',
    accept: '.json,.jsonl,.ndjson,.txt',
    hidden: true,
    onchange: () => openFile(),
  });

  const showRows = () => {
    const present = replay.index - 1;
    const first = Math.max(0, Math.min(present - rowsAround / 2, replay.events.length - rowsAround));
    rows.replaceChildren(
      ...replay.events.slice(first, first + rowsAround).map((event, i) => {
        const index = first + i;
        const subject = subjectOf(event);
        return h(
          'tr',
          {
            'aria-current': String(index === present),
            onclick: () => {
              pause();
              goTo(index + 1);
            },
          },
          h('td', { class: 'mono soft' }, formatCount(index + 1)),
          h('td', { class: 'mono', title: formatTime(event.time) }, formatClock(event.time)),
          h('td', { class: 'small', title: event.type }, event.type),
          h('td', { class: 'mono small', title: subject }, subject),
        );
      }),
    );
    rows.querySelector('[aria-current="true"]')?.scrollIntoView({ block: 'nearest' });
  };

  const show = () => {
    const event = replay.events[replay.index - 1];
    slider.max = String(replay.events.length);
    slider.value = String(replay.index);
    setText(
      where,
      `${formatCount(replay.index)} of ${formatCount(replay.events.length)}${event === undefined ? '' : `  ${formatTime(event.time)}  ${event.type}`}`,
    );
    seriesChart.showCounts(Object.fromEntries(names.map((name) => [name, replay.counts[name] ?? 0])));
    const moves = replay.lastMoves;
    seriesChart.lightBetween(
      moves
        .filter(({ from }) => from !== undefined)
        .map(({ from, to }) => /** @type {const} */ ([`series.${from}`, `series.${to}`])),
    );
    seriesChart.showActive([...new Set(moves.map(({ to }) => `series.${to}`))]);
    storeChart.showActive(replay.store.phase === undefined ? [] : [`store.${replay.store.phase}`]);
    setText(
      store,
      ['pressure', 'health']
        .filter((name) => replay.store[name] !== undefined)
        .map((name) => `${name}: ${replay.store[name]}`)
        .join(', '),
    );
    showRows();
  };

  const goTo = (/** @type {number} */ index) => {
    replay.goTo(index);
    show();
  };
  const pause = () => {
    clearInterval(playing);
    playing = undefined;
    setText(playButton, 'Play');
  };
  const play = () => {
    if (replay.index === replay.events.length) replay.goTo(0);
    setText(playButton, 'Pause');
    playing = setInterval(() => {
      goTo(replay.index + 1);
      if (replay.index === replay.events.length) pause();
    }, playMs);
  };

  const start = (/** @type {any[]} */ events, /** @type {string} */ name) => {
    pause();
    replay = new Replay(events.slice(-eventsMax));
    setText(source, `${name}, ${formatCount(events.length)} lifecycle event${events.length === 1 ? '' : 's'}`);
    trouble.replaceChildren(
      events.length === 0 ? h('p', { class: 'empty' }, 'The journal has no lifecycle events yet.') : '',
    );
    goTo(0);
  };
  const openFile = async () => {
    const [chosen] = file.files;
    if (chosen === undefined) return;
    try {
      start(parseEvents(await chosen.text()), chosen.name);
    } catch (error) {
      trouble.replaceChildren(failure(error));
    }
    file.value = '';
  };
  const openJournal = async () => {
    setText(source, 'reading the journal');
    start(
      await loadJournal(signal, (count) => setText(source, `reading the journal: ${formatCount(count)}`)),
      'The journal of this store',
    );
  };

  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (/** @type {Element} */ (event.target).matches('input, textarea, select')) return;
    if (event.key === 'ArrowRight') goTo(replay.index + 1);
    else if (event.key === 'ArrowLeft') goTo(replay.index - 1);
    else return;
    pause();
    event.preventDefault();
  };
  document.addEventListener('keydown', onKey);
  signal.addEventListener('abort', () => {
    pause();
    document.removeEventListener('keydown', onKey);
  });

  page.append(
    h(
      'div',
      { class: 'stack' },
      panel(
        'Replay',
        [
          source,
          h('span', { class: 'grow' }),
          h('button', { type: 'button', onclick: openJournal }, 'Read the journal again'),
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
      h('div', { class: 'replay' }, panel('Series', [], seriesChart.element), panel('Events', [], list)),
      panel('Store', [store], storeChart.element),
    ),
  );
  await openJournal();
};
