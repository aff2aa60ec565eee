/** The views of the page in the browser's history. */

const stepsOf = (state: unknown): number => {
  const steps = typeof state === 'object' && state !== null && 'steps' in state ? state.steps : 0;
  return typeof steps === 'number' ? steps : 0;
};

/** How many views of this page come before this one. */
export const stepsBack = (): number => stepsOf(history.state);

/** Writes the address of a view: as a new step, or in place of the current one. */
export const writeAddress = (address: string, asStep: boolean): void => {
  const isSame = new URL(address, document.baseURI).href === location.href;
  if (asStep && !isSame) history.pushState({ steps: stepsBack() + 1 }, '', address);
  else history.replaceState(history.state, '', address);
};
