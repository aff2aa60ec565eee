/** Links to Explore. */

/** The address of a view of these selectors over the last time, such as `15m`. */
export const exploreAddress = (selectors: readonly string[], range: string): string =>
  `./explore?${new URLSearchParams([...selectors.map((match) => ['match', match]), ['range', range]])}`;
