/** The frame of the pages: waits until the store is open, then shows the page of the address. */
import { failure, h, setText } from './dom.js';
import { formatCount } from './format.js';
import { ask } from './server.js';

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
const nameOf = (/** @type {string} */ path) =>
  /** @type {keyof typeof titles} */ (path.slice(1) in titles ? path.slice(1) : 'explore');

/** Shows the page of the current address. */
const show = () => {
  current?.abort();
  const mine = new AbortController();
  current = mine;
  const name = nameOf(location.pathname);
  document.title = `${titles[name]} · Tidemark`;
  for (const link of document.querySelectorAll('.bar nav a'))
    if (link.getAttribute('href') === `/${name}`) link.setAttribute('aria-current', 'page');
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
  const link = /** @type {Element} */ (event.target).closest?.('a[href^="/"]');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  go(/** @type {string} */ (link.getAttribute('href')));
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

/** Resolves when the store is open; shows the progress until then. */
const untilReady = async () => {
  for (;;) {
    const readiness = await ask('/-/ready').catch(() => undefined);
    if (readiness?.status === 'ready') return;
    if (readiness === undefined) showConnection('no connection', 'bad');
    else {
      showConnection('opening', 'warn');
      showOpening(readiness);
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
};

/** Shows in the corner whether the server answers. Shows the page again when the server is back. */
const watchConnection = async () => {
  let wasConnected = true;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 3000));
    if (document.hidden) continue;
    const connected = await fetch('/-/ready').then(
      (response) => response.ok,
      () => false,
    );
    showConnection(connected ? 'connected' : 'no connection', connected ? 'good' : 'bad');
    if (connected && !wasConnected) show();
    wasConnected = connected;
  }
};

await untilReady();
const { directory, name } = await ask('/ui/store');
const path = /** @type {HTMLElement} */ (document.getElementById('directory'));
setText(path, name);
path.title = directory;
showConnection('connected', 'good');
show();
await watchConnection();
