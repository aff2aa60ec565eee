/** A text that is equal for equal label sets. */
import type { Labels } from '../model/labels.ts';

export const seriesKey = (labels: Labels): string => {
  let key = '';
  for (const name of Object.keys(labels).sort()) key += `${name}\0${labels[name]}\0`;
  return key;
};
