/** A page that has something to lose is asked before another one is shown in its place. */

/** How an address came to be shown: by a link, or by going back or forth, when the browser shows it already. */
export type Way = 'link' | 'history';

/** Whether the address may be shown. A page that shows it by itself answers `false`. */
type Leaving = (address: URL, way: Way) => boolean;

let current: Leaving | undefined;

/** Asks this function from now on, until `signal` aborts. */
export const onLeaving = (leaving: Leaving, signal: AbortSignal): void => {
  current = leaving;
  signal.addEventListener('abort', () => {
    if (current === leaving) current = undefined;
  });
};

/** Whether the frame may show an address. */
export const mayShow = (address: string, way: Way): boolean => current?.(new URL(address), way) ?? true;
