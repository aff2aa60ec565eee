/** A list as one stop of the Tab key: arrows, Home and End move inside it. */

/** The elements that match `selector` in `list` are reached by arrows; Tab leaves the list. */
export const oneTabStop = (list: HTMLElement, selector: string): void => {
  const items = (): HTMLElement[] => [...list.querySelectorAll<HTMLElement>(selector)];
  let current: Element | undefined;

  const settle = (): void => {
    const all = items();
    const stop = all.find((item) => item === current) ?? all.find((item) => item.ariaCurrent === 'true') ?? all[0];
    for (const item of all) item.tabIndex = item === stop ? 0 : -1;
  };

  new MutationObserver(settle).observe(list, { childList: true, subtree: true });
  list.addEventListener('focusin', ({ target }) => {
    const item = target instanceof Element ? target.closest(selector) : null;
    if (item === null || item === current) return;
    current = item;
    settle();
  });
  list.addEventListener('keydown', (event) => {
    const all = items();
    const focused = event.target instanceof HTMLElement ? event.target : undefined;
    const at = focused === undefined ? -1 : all.indexOf(focused);
    if (at < 0) return;
    const target = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    all[Math.max(0, Math.min(all.length - 1, target))].focus();
  });
};
