/** The frame of the pages: waits until the store is open, then shows the page of the address. */
import { failure, h, setText } from './dom.js';
import { formatCount } from './format.js';
import { ask, LockedError, pathOf } from './server.js';

const titles = { explore: 'Explore', actors: 'Actors', storage: 'Storage', replay: 'Replay' };
const page = /** @type {HTMLElement} */ (document.getElementById('page'));
const connection = /** @type {HTMLElement} */ (document.getElementById('connection'));

/** @type {AbortController | undefined} */
let current;

const showConnection = (/** @type {string} */ text, /** @type {string} */ kind) => {
  setText(connection, text);
  connection.className = `badge ${kind}`;
};

/** The page for an address; the first page if the address names none. */
const nameOf = (/** @type {string} */ address) => {
  const name = pathOf(address)?.slice(1) ?? '';
  return /** @type {keyof typeof titles} */ (Object.hasOwn(titles, name) ? name : 'explore');
};

/** Shows the page of the current address. */
const show = () => {
  current?.abort();
  const mine = new AbortController();
  current = mine;
  const name = nameOf(location.href);
  document.title = `${titles[name]} · Tidemark`;
  for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll('.bar nav a')))
    if (pathOf(link.href) === `/${name}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  page.replaceChildren();
  import(`./${name}.js`)
    .then(({ mount }) => (mine.signal.aborted ? undefined : mount(page, { signal: mine.signal })))
    .catch((error) => {
      if (!mine.signal.aborted) page.replaceChildren(failure(error));
    });
};

const go = (/** @type {string} */ address) => {
  history.pushState(null, '', address);
  show();
  page.focus({ preventScroll: true });
  scrollTo(0, 0);
};

document.addEventListener('click', (event) => {
  const link = /** @type {HTMLAnchorElement | null} */ (/** @type {Element} */ (event.target).closest?.('a[href]'));
  if (!link || !Object.hasOwn(titles, pathOf(link.href)?.slice(1) ?? '')) return;
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  go(link.href);
});
addEventListener('popstate', show);

const showOpening = (/** @type {any} */ { progress }) => {
  const total = progress?.total ?? 0;
  const meter = h('div', { class: 'meter' }, h('div', {}));
  meter.firstChild.style.width = total > 0 ? `${Math.min(100, (100 * progress.done) / total)}%` : '0';
  page.replaceChildren(
    h(
      'section',
      { class: 'panel' },
      h('h1', {}, 'The store is opening'),
      h(
        'p',
        { class: 'soft' },
        progress === undefined
          ? 'One moment.'
          : `${progress.phase}: ${formatCount(progress.done)}${total > 0 ? ` of ${formatCount(total)}` : ''}`,
      ),
      meter,
    ),
  );
};

/** Shows that the server does not let this page ask any more, and why. */
const showLocked = (/** @type {LockedError} */ error) => {
  current?.abort();
  showConnection('locked', 'bad');
  page.replaceChildren(h('section', { class: 'panel' }, h('h1', {}, 'This page is locked'), failure(error)));
};

/**
 * Asks the server how it is, and shows that in the corner. Returns what the server knows about the store; `undefined`
 * if it can't be asked for now.
 */
const look = async () => {
  const readiness = await ask('/-/ready').catch(() => undefined);
  if (readiness === undefined) showConnection('no connection', 'bad');
  else if (readiness.status !== 'ready') showConnection('opening', 'warn');
  const store =
    readiness?.status !== 'ready'
      ? undefined
      : await ask('/ui/store').catch((error) => (error instanceof LockedError ? error : undefined));
  if (store !== undefined && !(store instanceof LockedError)) showConnection('connected', 'good');
  return { readiness, store };
};

/** Resolves with the store when it is open; shows the progress until then. */
const untilOpen = async () => {
  for (;;) {
    const { readiness, store } = await look();
    if (store instanceof LockedError) showLocked(store);
    else if (store !== undefined) return store;
    else if (readiness !== undefined && readiness.status !== 'ready') showOpening(readiness);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
};

/** Shows in the corner whether the server answers. Shows the page again when the server is back. */
const watchConnection = async () => {
  let wasConnected = true;
  let wasLocked = false;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 3000));
    if (document.hidden) continue;
    const { store } = await look();
    const isLocked = store instanceof LockedError;
    if (isLocked && !wasLocked) showLocked(store);
    const connected = store !== undefined && !isLocked;
    if (connected && (!wasConnected || wasLocked)) show();
    // While the server can't be asked, the page stays locked.
    wasLocked = isLocked || (wasLocked && !connected);
    wasConnected = connected;
  }
};

const { directory, name } = await untilOpen();
const path = /** @type {HTMLElement} */ (document.getElementById('directory'));
setText(path, name);
path.title = directory;
show();
await watchConnection();
