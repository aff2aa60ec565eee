/** Numbers with their nouns, for people. */

/** `1,234`. */
export const formatCount = (number: number): string => number.toLocaleString('en-US');

/** `1 sample`, `1,234 samples`. */
export const formatQuantity = (number: number, noun: string): string =>
  `${formatCount(number)} ${noun}${number === 1 ? '' : 's'}`;

/** `was` or `were`, after a quantity. */
export const verbFor = (number: number): 'was' | 'were' => (number === 1 ? 'was' : 'were');
