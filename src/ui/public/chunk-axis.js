/** The chunks of a series on a time axis: in the file, loaded, waiting to be persisted, open. */
import { h, svg } from './dom.js';
import { formatCount, formatTime } from './format.js';

const width = 1000;
const barTop = 8;
const barHeight = 26;
/** The maximum number of chunks to draw. Of a longer series, only the newest chunks are drawn. */
const drawnMax = 600;

const kindOf = (/** @type {any} */ { where, loaded }) => (where === 'file' ? (loaded ? 'loaded' : 'file') : where);

const names = {
  file: 'in the file',
  loaded: 'in the file and loaded',
  waiting: 'waiting to be persisted',
  open: 'open',
};

/** @param {{ where: string, loaded: boolean, encoding?: string, firstTime: number, lastTime: number }[]} chunks */
export const drawChunks = (chunks) => {
  if (chunks.length === 0) return h('p', { class: 'empty' }, 'This series has no chunks.');
  const drawn = chunks.slice(-drawnMax);
  const first = drawn[0].firstTime;
  const last = Math.max(...drawn.map(({ lastTime }) => lastTime));
  const scale = (/** @type {number} */ time) => ((time - first) / Math.max(1, last - first)) * width;
  const counts = Object.keys(names).map((kind) => ({
    kind,
    count: chunks.filter((chunk) => kindOf(chunk) === kind).length,
  }));
  return h(
    'div',
    {},
    svg(
      'svg',
      {
        class: 'chunks',
        viewBox: `0 0 ${width} 56`,
        preserveAspectRatio: 'none',
        role: 'img',
        'aria-label': `${chunks.length} chunks`,
      },
      ...drawn.map((chunk) =>
        svg(
          'rect',
          {
            class: kindOf(chunk),
            x: scale(chunk.firstTime),
            y: barTop,
            width: Math.max(2, scale(chunk.lastTime) - scale(chunk.firstTime)),
            height: barHeight,
          },
          svg(
            'title',
            {},
            `${formatTime(chunk.firstTime)} – ${formatTime(chunk.lastTime)}\n${names[/** @type {keyof typeof names} */ (kindOf(chunk))]}${chunk.encoding === undefined ? '' : `, ${chunk.encoding}`}`,
          ),
        ),
      ),
    ),
    h(
      'div',
      { class: 'row small soft' },
      h('span', {}, formatTime(first)),
      h('span', { class: 'grow' }),
      h('span', {}, formatTime(last)),
    ),
    h(
      'div',
      { class: 'key' },
      ...counts
        .filter(({ count }) => count > 0)
        .map(({ kind, count }) =>
          h(
            'span',
            {},
            h('span', { class: `swatch ${kind}` }),
            `${formatCount(count)} ${names[/** @type {keyof typeof names} */ (kind)]}`,
          ),
        ),
      drawn.length < chunks.length ? h('span', {}, `the newest ${drawnMax} are drawn`) : undefined,
    ),
  );
};
