/** What is shown, as a file: CSV, or a picture. */
import { colorOf, styleVariable } from '../../parts/chart/chart-colors.ts';
import { exactValue } from '../../parts/text/exact-values.ts';
import { formatLabels } from '../../parts/text/series-names.ts';
import type { DrawnSeries } from '../../server/server-answers.ts';

const csvField = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** A row for each time, a column for each series. Times are ISO 8601 in UTC; values have all digits. */
export const csvOf = (list: readonly DrawnSeries[]): string => {
  const byTime = new Map<number, string[]>();
  for (const [i, one] of list.entries())
    for (const [at, time] of one.timestamps.entries()) {
      const row = byTime.get(time) ?? [];
      row[i] = exactValue(one, at);
      byTime.set(time, row);
    }
  const rows = [...byTime]
    .sort(([a], [b]) => a - b)
    .map(([time, row]) => [new Date(time).toISOString(), ...list.map((_, i) => row[i] ?? '')]);
  const head = ['time', ...list.map(({ labels }) => formatLabels(labels))];
  return [head, ...rows].map((row) => `${row.map(csvField).join(',')}\n`).join('');
};

const lineHeight = 18;

/** The drawing with the names of its series below, by their numbers, on the colour of the panel. */
export const pictureOf = (
  drawing: HTMLCanvasElement,
  names: readonly (readonly [series: number, name: string])[],
): Promise<Blob | null> => {
  const scale = devicePixelRatio;
  const picture = document.createElement('canvas');
  picture.width = drawing.width;
  picture.height = drawing.height + (names.length * lineHeight + 12) * scale;
  const context = picture.getContext('2d');
  if (context === null) return Promise.resolve(null);
  context.fillStyle = styleVariable('--panel');
  context.fillRect(0, 0, picture.width, picture.height);
  context.drawImage(drawing, 0, 0);
  context.scale(scale, scale);
  context.font = '12px monospace';
  context.textBaseline = 'middle';
  for (const [row, [series, name]] of names.entries()) {
    const top = drawing.height / scale + 6 + (row + 0.5) * lineHeight;
    context.fillStyle = colorOf(series);
    context.fillRect(12, top - 5, 10, 10);
    context.fillStyle = styleVariable('--ink');
    context.fillText(name, 30, top);
  }
  return new Promise((resolve) => picture.toBlob(resolve, 'image/png'));
};
