/** Requests to the server of these pages. */

/** Where these pages are, whatever path they are mounted under and whatever proxy is in front. */
const base = new URL('.', import.meta.url);

/** The address of a path of the server, which begins with a slash. */
export const addressOf = (/** @type {string} */ path) => new URL(`.${path}`, base).href;

/** The path of an address on the server, such as `/explore`; `undefined` for one that is not below these pages. */
export const pathOf = (/** @type {string} */ address) => {
  const url = new URL(address, location.href);
  const isHere = url.origin === base.origin && url.pathname.startsWith(base.pathname);
  return isHere ? url.pathname.slice(base.pathname.length - 1) : undefined;
};

/** The server's answer when the token is not valid, or the program that serves the store refuses. */
export class LockedError extends Error {}

const queryOf = (/** @type {Record<string, string | number | undefined>} */ params) => {
  const given = Object.entries(params).filter(([, value]) => value !== undefined);
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return query.size > 0 ? `?${query}` : '';
};

/** The data of a response in Prometheus' envelope. If it is an error, throws an Error with its message. */
export const ask = async (
  /** @type {string} */ path,
  /** @type {Record<string, string | number | undefined>} */ params = {},
  /** @type {AbortSignal | undefined} */ signal = undefined,
) => {
  const response = await fetch(addressOf(path) + queryOf(params), signal === undefined ? {} : { signal });
  const body = await response.json().catch(() => undefined);
  const text = body?.error ?? `${path} answered ${response.status}.`;
  if (response.status === 401) throw new LockedError(text);
  if (body === undefined || body.status === 'error') throw new Error(text);
  return body.data ?? body;
};

/** Whether an error only means that the page has aborted its request. */
export const isAbort = (/** @type {unknown} */ error) => error instanceof DOMException && error.name === 'AbortError';

/** A stream that the server has refused is tried again after this time. */
const retryMs = 1000;

/**
 * A live stream of the server. It reconnects by itself and ends when `signal` aborts. A browser gives a stream up when
 * the server answers with an error, for example while it starts again; then it is opened anew here.
 *
 * @param {string} path
 * @param {Record<string, string | undefined>} params
 * @param {{ signal: AbortSignal, on: Record<string, (data: any) => void>, onState?: (connected: boolean) => void }} options
 */
export const listen = (path, params, { signal, on, onState = () => {} }) => {
  /** @type {EventSource} */
  let source;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const open = () => {
    source = new EventSource(addressOf(path) + queryOf(params));
    for (const [name, handle] of Object.entries(on))
      source.addEventListener(name, (event) => handle(JSON.parse(/** @type {MessageEvent} */ (event).data)));
    source.onopen = () => onState(true);
    source.onerror = () => {
      onState(false);
      if (source.readyState === EventSource.CLOSED && !signal.aborted) timer = setTimeout(open, retryMs);
    };
  };
  signal.addEventListener('abort', () => {
    clearTimeout(timer);
    source.close();
  });
  open();
};

/**
 * Calls `task` now, and again `everyMs` after each time it ended, until `signal` aborts. Pauses while the page is
 * hidden.
 */
export const repeat = (
  /** @type {() => Promise<void>} */ task,
  /** @type {number} */ everyMs,
  /** @type {AbortSignal} */ signal,
) => {
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  const run = async () => {
    if (!document.hidden) await task().catch((error) => console.error(error));
    if (!signal.aborted) timer = setTimeout(run, everyMs);
  };
  signal.addEventListener('abort', () => clearTimeout(timer));
  void run();
};
