/** Live streams of the server. */

import { addressOf, type Params, queryText } from './page-address.ts';
import type { Streams } from './server-answers.ts';

/** A stream that the server has refused is tried again after this time. */
const retryMs = 1000;

interface StreamOptions<Frames> {
  /** Ends the stream. */
  readonly signal: AbortSignal;
  /** What to do with each kind of frame. */
  readonly on: { readonly [Name in keyof Frames]: (frame: Frames[Name]) => void };
  readonly onState?: (connected: boolean) => void;
}

/**
 * A live stream of the server. It reconnects by itself and ends when `signal` aborts. If the server answers with an
 * error, for example while it starts again, the browser gives the stream up; then it is opened again here.
 */
export const listen = <Path extends keyof Streams>(
  path: Path,
  params: Params,
  { signal, on, onState = () => {} }: StreamOptions<Streams[Path]>,
): void => {
  let source: EventSource;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const handlers = Object.entries(on) as [string, (frame: unknown) => void][];
  const open = (): void => {
    source = new EventSource(addressOf(path) + queryText(params));
    for (const [name, handle] of handlers)
      source.addEventListener(name, (event) => handle(JSON.parse((event as MessageEvent<string>).data)));
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
