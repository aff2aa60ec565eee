/** The chunks of a series on a time axis: in the file, loaded, waiting to be persisted, open. */
import { h, svg } from '../../parts/elements.ts';
import { formatCount } from '../../parts/text/number-text.ts';
import { formatTime } from '../../parts/text/time-text.ts';
import type { ChunkBox } from '../../server/server-answers.ts';

const width = 1000;
const barTop = 8;
const barHeight = 26;
/** The maximum number of chunks to draw. Of a longer series, only the newest chunks are drawn. */
const drawnMax = 600;

/** The kinds of chunks, in the order of the key. */
const kinds = {
  file: 'in the file',
  loaded: 'in the file and loaded',
  waiting: 'waiting to be persisted',
  open: 'open',
} as const;

type Kind = keyof typeof kinds;

const kindOf = ({ where, loaded }: ChunkBox): Kind => (where === 'file' && loaded ? 'loaded' : where);

const rectOf = (chunk: ChunkBox, scale: (time: number) => number): SVGElement => {
  const { firstTime, lastTime, encoding } = chunk;
  const how = `${kinds[kindOf(chunk)]}${encoding === undefined ? '' : `, ${encoding}`}`;
  return svg(
    'rect',
    {
      class: kindOf(chunk),
      x: scale(firstTime),
      y: barTop,
      width: Math.max(2, scale(lastTime) - scale(firstTime)),
      height: barHeight,
    },
    svg('title', {}, `${formatTime(firstTime)} – ${formatTime(lastTime)}\n${how}`),
  );
};

/** How many chunks there are of each kind. */
const keyOf = (chunks: readonly ChunkBox[]): HTMLElement[] =>
  (Object.keys(kinds) as Kind[])
    .map((kind) => ({ kind, count: chunks.filter((chunk) => kindOf(chunk) === kind).length }))
    .filter(({ count }) => count > 0)
    .map(({ kind, count }) =>
      h('span', {}, h('span', { class: `swatch ${kind}` }), `${formatCount(count)} ${kinds[kind]}`),
    );

export const drawChunks = (chunks: readonly ChunkBox[]): HTMLElement => {
  if (chunks.length === 0) return h('p', { class: 'empty' }, 'This series has no chunks.');
  const drawn = chunks.slice(-drawnMax);
  const first = drawn[0].firstTime;
  const last = Math.max(...drawn.map(({ lastTime }) => lastTime));
  const scale = (time: number): number => ((time - first) / Math.max(1, last - first)) * width;
  const axis = svg(
    'svg',
    {
      class: 'chunks',
      viewBox: `0 0 ${width} 56`,
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label': `${chunks.length} chunks`,
    },
    ...drawn.map((chunk) => rectOf(chunk, scale)),
  );
  const ends = h(
    'div',
    { class: 'row small soft' },
    h('span', {}, formatTime(first)),
    h('span', { class: 'grow' }),
    h('span', {}, formatTime(last)),
  );
  const isCut = drawn.length < chunks.length;
  const key = h('div', { class: 'key' }, keyOf(chunks), isCut && h('span', {}, `the newest ${drawnMax} are drawn`));
  return h('div', {}, axis, ends, key);
};
