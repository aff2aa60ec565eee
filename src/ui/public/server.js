/** Requests to the server of these pages. */

/** The data of a response in Prometheus' envelope. If it is an error, throws an Error with its message. */
export const ask = async (
  /** @type {string} */ path,
  /** @type {Record<string, string | number | undefined>} */ params = {},
  /** @type {AbortSignal | undefined} */ signal = undefined,
) => {
  const given = Object.entries(params).filter(([, value]) => value !== undefined);
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  const response = await fetch(query.size > 0 ? `${path}?${query}` : path, signal === undefined ? {} : { signal });
  const body = await response.json().catch(() => undefined);
  if (body === undefined) throw new Error(`${path} answered ${response.status}.`);
  if (body.status === 'error') throw new Error(body.error);
  return body.data ?? body;
};

/** Whether an error only means that the page has aborted its request. */
export const isAbort = (/** @type {unknown} */ error) => error instanceof DOMException && error.name === 'AbortError';

/**
 * A live stream of the server. It reconnects by itself and ends when `signal` aborts.
 *
 * @param {string} path
 * @param {Record<string, string | undefined>} params
 * @param {{ signal: AbortSignal, on: Record<string, (data: any) => void>, onState?: (connected: boolean) => void }} options
 */
export const listen = (path, params, { signal, on, onState = () => {} }) => {
  const given = Object.entries(params).filter(([, value]) => value !== undefined);
  const query = new URLSearchParams(/** @type {[string, string][]} */ (given));
  const source = new EventSource(`${path}?${query}`);
  for (const [name, handle] of Object.entries(on))
    source.addEventListener(name, (event) => handle(JSON.parse(/** @type {MessageEvent} */ (event).data)));
  source.onopen = () => onState(true);
  source.onerror = () => onState(false);
  signal.addEventListener('abort', () => source.close());
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
