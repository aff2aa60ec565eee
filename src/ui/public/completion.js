/** A text field for selectors that completes metric names, label names and label values. */
import { h } from './dom.js';
import { ask, isAbort } from './server.js';

const shownMax = 50;

/**
 * What can be completed at the cursor: its kind, the part that is already typed, and where it begins. A label name
 * begins after `{` or `,`, a value after `="` or another operator and a quote. Outside of braces there are metric
 * names.
 */
export const placeAt = (/** @type {string} */ text, /** @type {number} */ cursor) => {
  const before = text.slice(0, cursor);
  const open = before.indexOf('{');
  if (open < 0) {
    const typed = /[a-zA-Z0-9_:]*$/.exec(before)?.[0] ?? '';
    return { kind: 'metric', typed, start: cursor - typed.length, metric: '' };
  }
  const metric = before.slice(0, open).trim();
  const value = /([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)$/.exec(before);
  if (value !== null)
    return { kind: 'value', label: value[1], typed: value[2], start: cursor - value[2].length, metric };
  const name = /[{,]\s*([a-zA-Z_]\w*)?$/.exec(before);
  if (name !== null) return { kind: 'label', typed: name[1] ?? '', start: cursor - (name[1] ?? '').length, metric };
  return undefined;
};

/** Candidates that begin with the typed text, then those that contain it, each group in order. */
export const rank = (/** @type {string[]} */ candidates, /** @type {string} */ typed) => {
  const wanted = typed.toLowerCase();
  const found = candidates.filter((candidate) => candidate.toLowerCase().includes(wanted) && candidate !== typed);
  const starts = (/** @type {string} */ candidate) => (candidate.toLowerCase().startsWith(wanted) ? 0 : 1);
  return found.sort((a, b) => starts(a) - starts(b) || (a < b ? -1 : 1)).slice(0, shownMax);
};

const candidatesOf = async (/** @type {any} */ place, /** @type {AbortSignal} */ signal) => {
  if (place.kind === 'metric') return ask('/api/v1/label/__name__/values', {}, signal);
  const match = place.metric === '' ? {} : { 'match[]': place.metric };
  if (place.kind === 'label')
    return (await ask('/api/v1/labels', match, signal)).filter((/** @type {string} */ name) => name !== '__name__');
  return ask(`/api/v1/label/${encodeURIComponent(place.label)}/values`, match, signal);
};

/** The text to insert after a completed text, unless it is there already. */
const endings = { metric: '', label: '="', value: '"' };

/**
 * @param {{ value: string, signal: AbortSignal, onSubmit: (selector: string) => void, label?: string }} options
 */
export const createSelectorField = ({ value, signal, onSubmit, label = 'Selector' }) => {
  const list = h('ul', {
    class: 'completions',
    id: `completions-${Math.random().toString(36).slice(2)}`,
    role: 'listbox',
    hidden: true,
  });
  const input = h('input', {
    type: 'text',
    value,
    spellcheck: 'false',
    autocomplete: 'off',
    placeholder: 'metric{label="value"}',
    'aria-label': label,
    role: 'combobox',
    'aria-autocomplete': 'list',
    'aria-expanded': 'false',
    'aria-controls': list.id,
  });
  const element = h('div', { class: 'completed' }, input, list);
  let chosen = -1;
  /** @type {string[]} */
  let offered = [];
  /**
   * The place that `offered` completes. It is set together with `offered`, so texts go to the right place. @type {any}
   */
  let place;
  /** All candidates for the cursor's place, fetched once. @type {{ key: string, candidates: string[] } | undefined} */
  let known;
  /** @type {{ key: string, abort: AbortController, choosesFirst: boolean } | undefined} */
  let asking;

  const hide = () => {
    list.hidden = true;
    chosen = -1;
    input.setAttribute('aria-expanded', 'false');
    input.removeAttribute('aria-activedescendant');
  };

  const close = () => {
    asking?.abort.abort();
    asking = undefined;
    known = undefined;
    hide();
  };

  const choose = (/** @type {number} */ next) => {
    chosen = (next + offered.length) % offered.length;
    for (const [i, item] of [...list.children].entries()) item.setAttribute('aria-selected', String(i === chosen));
    list.children[chosen].scrollIntoView({ block: 'nearest' });
    input.setAttribute('aria-activedescendant', list.children[chosen].id);
  };

  const accept = (/** @type {string} */ text) => {
    const rest = input.value.slice(input.selectionStart ?? input.value.length).replace(/^[\w:.-]*/, '');
    const ending = /** @type {Record<string, string>} */ (endings)[place.kind];
    const escaped = place.kind === 'value' ? text.replace(/[\\"]/g, '\\$&') : text;
    const head = input.value.slice(0, place.start) + escaped + (rest.startsWith(ending) ? '' : ending);
    input.value = head + rest;
    input.setSelectionRange(head.length, head.length);
    close();
    if (place.kind === 'label') void offer();
  };

  const show = (/** @type {any} */ at, /** @type {string[]} */ candidates) => {
    const next = rank(candidates, at.typed);
    if (next.length === 0) return hide();
    place = at;
    offered = next;
    chosen = -1;
    list.replaceChildren(
      ...offered.map((text, i) =>
        h(
          'li',
          {
            id: `${list.id}-${i}`,
            role: 'option',
            'aria-selected': 'false',
            title: text,
            onmousedown: (/** @type {Event} */ event) => {
              event.preventDefault();
              accept(text);
            },
          },
          text,
        ),
      ),
    );
    list.hidden = false;
    input.setAttribute('aria-expanded', 'true');
    input.removeAttribute('aria-activedescendant');
  };

  /** Offers candidates for the current text: at once if those of the place are loaded, otherwise after loading them. */
  const offer = async (choosesFirst = false) => {
    const at = placeAt(input.value, input.selectionStart ?? input.value.length);
    if (at === undefined) return close();
    const key = JSON.stringify([at.kind, at.metric, at.label]);
    if (known?.key === key) {
      show(at, known.candidates);
      if (choosesFirst && !list.hidden) choose(0);
      return;
    }
    if (asking?.key === key) {
      asking.choosesFirst ||= choosesFirst;
      return;
    }
    close();
    const mine = { key, abort: new AbortController(), choosesFirst };
    asking = mine;
    try {
      const candidates = await candidatesOf(at, mine.abort.signal);
      if (asking !== mine) return;
      known = { key, candidates };
      asking = undefined;
      void offer(mine.choosesFirst);
    } catch (error) {
      if (!isAbort(error) && asking === mine) close();
    }
  };

  input.addEventListener('input', () => offer());
  input.addEventListener('blur', close);
  input.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    if (event.key === 'ArrowDown' && list.hidden) void offer(true);
    else if (event.key === 'ArrowDown') choose(chosen + 1);
    else if (event.key === 'ArrowUp' && !list.hidden) choose(chosen < 0 ? offered.length - 1 : chosen - 1);
    else if (event.key === 'Escape' && !list.hidden) close();
    else if ((event.key === 'Enter' || event.key === 'Tab') && chosen >= 0) accept(offered[chosen]);
    else if (event.key === 'Enter') {
      close();
      onSubmit(input.value.trim());
    } else return;
    event.preventDefault();
  });
  signal.addEventListener('abort', close);

  return {
    element,
    input,
    get value() {
      return input.value.trim();
    },
    set value(text) {
      input.value = text;
    },
  };
};
