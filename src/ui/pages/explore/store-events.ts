/** Events of the store as marks on the chart, and as a list below it. Each leads to its place in Replay. */
import type { TimeRange } from '../../parts/chart/chart.ts';
import type { ChartMark } from '../../parts/chart/chart-marks.ts';
import { h, setText } from '../../parts/elements.ts';
import { oneTabStop } from '../../parts/one-tab-stop.ts';
import { formatLabels } from '../../parts/text/series-names.ts';
import { formatTime } from '../../parts/text/time-text.ts';
import { ask } from '../../server/ask-server.ts';
import type { StoreMark } from '../../server/server-answers.ts';

/** More checkpoints than this say nothing: then they are left out. */
const checkpointsMax = 30;

const openings: Readonly<Record<string, readonly [kind: string, text: string]>> = {
  created: ['good', 'store created'],
  clean: ['good', 'restart'],
  journal: ['warn', 'restart after a crash, from the journal'],
  crashRecovery: ['warn', 'restart after a crash, with full recovery'],
};

const kindAndText = ({ type, how = '', labels, reason, rule }: StoreMark): readonly [kind: string, text: string] => {
  const name = labels === undefined ? '' : ` ${formatLabels(labels)}`;
  switch (type) {
    case 'storeOpened':
      return openings[how] ?? ['good', 'restart'];
    case 'checkpointWritten':
      return ['', 'checkpoint'];
    case 'seriesQuarantined':
      return ['bad', `quarantined${name}: ${reason}`];
    case 'alertFired':
      return ['bad', `${rule} fired${name}`];
    default:
      return ['good', `${rule} resolved${name}`];
  }
};

interface EventMark extends ChartMark {
  /** Where what is left of a quarantined series is shown. */
  readonly rest?: string | undefined;
}

const replayAddress = ({ position, place }: StoreMark): string =>
  `./replay?position=${position}${place > 0 ? `&event=${place}` : ''}`;

export class StoreEvents {
  readonly element: HTMLDetailsElement;
  private readonly title = h('summary', {});
  private readonly list = h('ul', { class: 'list' });
  private key = '';
  marks: readonly EventMark[] = [];

  constructor() {
    this.element = h('details', { class: 'store-events small', hidden: true }, this.title, this.list);
    oneTabStop(this.list, 'a');
  }

  /** Reads the events of a range. If that fails, those that were read before stay. */
  async load([from, through]: TimeRange, signal: AbortSignal): Promise<void> {
    const found = await ask('/ui/marks', { start: from / 1000, end: through / 1000 }, signal).catch(() => undefined);
    if (found === undefined) return;
    const isCheckpoint = ({ type }: StoreMark): boolean => type === 'checkpointWritten';
    const checkpoints = found.filter(isCheckpoint).length;
    const shown = checkpoints > checkpointsMax ? found.filter((mark) => !isCheckpoint(mark)) : found;
    this.marks = shown.map((mark) => {
      const [kind, text] = kindAndText(mark);
      const rest =
        mark.type === 'seriesQuarantined' && mark.fingerprint !== undefined
          ? `./actors?quarantined=${mark.fingerprint}`
          : undefined;
      return { time: mark.time, kind, text, href: replayAddress(mark), rest };
    });
    this.show(checkpoints > checkpointsMax ? `, and ${checkpoints} checkpoints` : '');
  }

  private show(more: string): void {
    const { marks } = this;
    this.element.hidden = marks.length === 0;
    setText(this.title, `Events of the store in this range: ${marks.length}${more}`);
    const key = marks.map(({ href }) => href).join();
    if (key === this.key) return;
    this.key = key;
    this.list.replaceChildren(
      ...marks.map(({ time, kind, text, href, rest }) =>
        h(
          'li',
          {},
          h('a', { href, class: `event ${kind}` }, `${formatTime(time)}  ${text}`),
          rest && h('a', { href: rest, class: 'event' }, 'What is left of it'),
        ),
      ),
    );
  }
}
