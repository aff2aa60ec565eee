/** The colours and patterns of a chart's lines, for light and for dark. */

/**
 * Eight colours with a contrast of at least 3:1 to the panel. Neighbours differ for red-green blindness too: in lightness,
 * or between blue and yellow.
 */
const palettes = {
  light: ['#146c7f', '#c2410c', '#5b4bb7', '#8f6500', '#b3266e', '#00794f', '#1f6fd0', '#4a5157'],
  dark: ['#6cc5d8', '#ff9c5b', '#b3a6ff', '#f0d060', '#ff8fc7', '#3fc48f', '#7db4ff', '#c9d1d3'],
};

/** Lengths of dashes and gaps in pixels. */
const patterns = [[], [9, 4], [2, 3], [10, 3, 2, 3]] as const;

export const darkQuery = matchMedia('(prefers-color-scheme: dark)');

/** The colour of the series with this number. */
export const colorOf = (i: number): string => {
  const palette = palettes[darkQuery.matches ? 'dark' : 'light'];
  return palette[i % palette.length];
};

/** The pattern of the series with this number: of each, or of those whose colour another series has already. */
export const patternOf = (i: number, ofEach: boolean): number[] => {
  const round = Math.floor(i / palettes.light.length);
  return [...patterns[(ofEach ? i + round : round) % patterns.length]];
};

/** The value of a variable of the style sheet. */
export const styleVariable = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();
