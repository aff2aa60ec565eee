/** The colours of a chart, for light and for dark. */

/** Ten colours that are easy to tell apart. */
const palettes = {
  light: ['#146c7f', '#c2410c', '#5b4bb7', '#21743c', '#b3266e', '#8f5b00', '#2563b8', '#6b7280', '#7a3b12', '#0f766e'],
  dark: ['#6cc5d8', '#ff9c5b', '#b3a6ff', '#6fce8d', '#ff8fc7', '#e7b04e', '#7db4ff', '#b6bec0', '#d9a27c', '#5eead4'],
};

export const darkQuery = matchMedia('(prefers-color-scheme: dark)');

/** The colour of the series with this number. */
export const colorOf = (i: number): string => palettes[darkQuery.matches ? 'dark' : 'light'][i % 10];

/** The value of a variable of the style sheet. */
export const styleVariable = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();
