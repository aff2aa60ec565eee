/** Figures: the last value of each series, large, and of a single one its course. */
import { h, svg } from '../../parts/elements.ts';
import { exactValue } from '../../parts/text/exact-values.ts';
import type { DrawnSeries } from '../../server/server-answers.ts';

const figuresMax = 24;
const courseWidth = 200;
const courseHeight = 36;

/** A line without axes; nothing for fewer than two points. */
const courseOf = ({ timestamps, values }: DrawnSeries): SVGSVGElement | undefined => {
  const points = values.flatMap((value, i) => (value === null ? [] : [[timestamps[i], value] as const]));
  if (points.length < 2) return undefined;
  const first = points[0][0];
  const span = Math.max(1, points[points.length - 1][0] - first);
  const lowest = Math.min(...points.map(([, value]) => value));
  const height = Math.max(...points.map(([, value]) => value)) - lowest;
  const place = ([time, value]: readonly [number, number]): string => {
    const x = ((time - first) / span) * courseWidth;
    const y = height === 0 ? courseHeight / 2 : courseHeight - 2 - ((value - lowest) / height) * (courseHeight - 4);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  };
  return svg(
    'svg',
    {
      class: 'course',
      viewBox: `0 0 ${courseWidth} ${courseHeight}`,
      preserveAspectRatio: 'none',
      'aria-hidden': 'true',
    },
    svg('polyline', { points: points.map(place).join(' ') }),
  );
};

const figure = (one: DrawnSeries, name: string, format: (value: number) => string): HTMLElement => {
  const value = one.values.at(-1);
  const exact = exactValue(one, one.values.length - 1);
  const shown = typeof value === 'number' ? format(value) : exact;
  return h(
    'div',
    { class: 'figure' },
    name !== '' && h('div', { class: 'soft small clip', title: name }, name),
    h('div', { class: 'value', title: exact }, shown),
  );
};

/** `names`: beside each figure, if there are several. */
export const statFigures = (
  list: readonly DrawnSeries[],
  names: readonly string[],
  course: readonly DrawnSeries[],
  format: (value: number) => string,
): HTMLElement => {
  const shown = list.slice(0, figuresMax);
  const left = list.length - shown.length;
  return h(
    'div',
    { class: `figures${shown.length === 1 ? ' one' : ''}` },
    ...shown.map((one, i) => figure(one, shown.length === 1 ? '' : names[i], format)),
    shown.length === 1 && course.length === 1 && courseOf(course[0]),
    left > 0 && h('p', { class: 'soft small' }, `and ${left} more`),
  );
};
