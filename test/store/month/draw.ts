/** The month as a picture: what must level off, day by day. */
import type { DayMeasured } from './month.ts';

const MIB = 1024 * 1024;
const WIDTH = 420;
const HEIGHT = 170;
const LEFT = 52;
const RIGHT = 12;
const TOP = 30;
const BOTTOM = 28;

interface Panel {
  readonly title: string;
  readonly lines: readonly {
    readonly name: string;
    readonly color: string;
    readonly of: (day: DayMeasured) => number;
  }[];
  /** A limit that the lines must stay below. */
  readonly limit?: number;
}

export const drawMonth = (days: readonly DayMeasured[], memoryTarget: number): string => {
  const panels: readonly Panel[] = [
    {
      title: 'Memory, MiB (dashed: the target)',
      limit: memoryTarget / MIB,
      lines: [{ name: 'used', color: '#2b6cb0', of: ({ memoryBytes }) => memoryBytes / MIB }],
    },
    {
      title: 'On disk, MiB',
      lines: [
        { name: 'directory', color: '#4a5568', of: ({ diskBytes }) => diskBytes / MIB },
        { name: 'series files', color: '#2f855a', of: ({ seriesBytes }) => seriesBytes / MIB },
        { name: 'indexes', color: '#c05621', of: ({ indexBytes }) => indexBytes / MIB },
      ],
    },
    {
      title: 'Series',
      lines: [
        { name: 'in memory', color: '#2b6cb0', of: ({ inMemory }) => inMemory },
        { name: 'archived', color: '#805ad5', of: ({ archived }) => archived },
        { name: 'files', color: '#2f855a', of: ({ seriesFiles }) => seriesFiles },
      ],
    },
    {
      title: 'Open descriptors',
      lines: [{ name: 'descriptors', color: '#b83280', of: ({ descriptors }) => descriptors }],
    },
  ];
  const drawn = panels.map((panel, i) => {
    const x = (i % 2) * WIDTH;
    const y = Math.floor(i / 2) * HEIGHT;
    return `<g transform="translate(${x} ${y})">\n${drawPanel(panel, days)}\n</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${2 * WIDTH} ${2 * HEIGHT}" font-family="system-ui, sans-serif" font-size="11">
<rect width="100%" height="100%" fill="#ffffff"/>
${drawn.join('\n')}
</svg>
`;
};

const drawPanel = ({ title, lines, limit }: Panel, days: readonly DayMeasured[]): string => {
  const highest = Math.max(limit ?? 0, ...days.flatMap((day) => lines.map(({ of }) => of(day)))) * 1.08;
  const x = (index: number): number => LEFT + (index / Math.max(1, days.length - 1)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number => HEIGHT - BOTTOM - (value / highest) * (HEIGHT - TOP - BOTTOM);
  const parts = [`<text x="${LEFT}" y="16" font-weight="600" fill="#1a202c">${title}</text>`];
  for (const share of [0, 0.5, 1]) {
    const value = (highest / 1.08) * share;
    parts.push(
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value).toFixed(1)}" y2="${y(value).toFixed(1)}" stroke="#e2e8f0"/>`,
      `<text x="${LEFT - 6}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end" fill="#4a5568">${Math.round(value)}</text>`,
    );
  }
  for (const day of [1, 10, 20, 30].filter((each) => each <= days.length)) {
    parts.push(
      `<text x="${x(day - 1).toFixed(1)}" y="${HEIGHT - 10}" text-anchor="middle" fill="#4a5568">day ${day}</text>`,
    );
  }
  if (limit !== undefined) {
    parts.push(
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(limit).toFixed(1)}" y2="${y(limit).toFixed(1)}" stroke="#c53030" stroke-dasharray="5 4"/>`,
    );
  }
  for (const [index, { name, color, of }] of lines.entries()) {
    const points = days.map((day, i) => `${x(i).toFixed(1)},${y(of(day)).toFixed(1)}`).join(' ');
    parts.push(
      `<polyline points="${points}" fill="none" stroke="${color}" stroke-width="1.8"/>`,
      `<text x="${WIDTH - RIGHT}" y="${16 + index * 12}" text-anchor="end" fill="${color}">${name}</text>`,
    );
  }
  return parts.join('\n');
};
