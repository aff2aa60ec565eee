/** The queries that were drawn before, kept by this browser. */
import { h } from '../../parts/elements.ts';
import { oneTabStop } from '../../parts/one-tab-stop.ts';

const storageKey = 'tidemark.queries';
const keptMax = 100;

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string');

/** The queries, newest first. A browser that keeps nothing gives none. */
const readHistory = (): string[] => {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(storageKey) ?? '[]');
    return isTexts(kept) ? kept : [];
  } catch {
    return [];
  }
};

/** Keeps a query as the newest one. */
export const rememberQuery = (query: string): void => {
  if (query.trim() === '') return;
  const queries = [query, ...readHistory().filter((one) => one !== query)].slice(0, keptMax);
  try {
    localStorage.setItem(storageKey, JSON.stringify(queries));
  } catch {
    // Private windows may refuse; the page works without a history.
  }
};

/** A button that opens the list of the queries. */
export const historyMenu = (onPick: (query: string) => void): HTMLElement => {
  const list = h('ul', { class: 'list' });
  const show = (): void => {
    const queries = readHistory();
    const pick = (query: string): void => {
      menu.open = false;
      onPick(query);
    };
    const button = (query: string): HTMLElement =>
      h('button', { type: 'button', class: 'mono', title: query, onclick: () => pick(query) }, query);
    list.replaceChildren(
      ...(queries.length === 0
        ? [h('li', { class: 'empty' }, 'No query was drawn yet.')]
        : queries.map((query) => h('li', {}, button(query)))),
    );
  };
  const menu: HTMLDetailsElement = h(
    'details',
    {
      class: 'menu',
      ontoggle: () => {
        if (menu.open) show();
      },
      onkeydown: (event) => {
        if (!(event instanceof KeyboardEvent) || event.key !== 'Escape') return;
        menu.open = false;
        menu.querySelector('summary')?.focus();
      },
    },
    h('summary', {}, 'History'),
    h('div', { class: 'popover' }, list),
  );
  oneTabStop(list, 'button');
  return menu;
};
