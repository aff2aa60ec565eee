/** A short piece of a series' line, for legends. */
import { svg } from '../elements.ts';
import { colorOf, patternOf } from './chart-colors.ts';

export const lineSwatch = (i: number, ofEach: boolean): SVGSVGElement => {
  const dash = patternOf(i, ofEach);
  const line = svg('line', {
    x1: 0,
    y1: 5,
    x2: 22,
    y2: 5,
    'stroke-width': 4,
    stroke: colorOf(i),
    'stroke-dasharray': dash.length === 0 ? undefined : dash.join(' '),
  });
  return svg('svg', { width: 22, height: 10, class: 'line-swatch', 'aria-hidden': 'true' }, line);
};
