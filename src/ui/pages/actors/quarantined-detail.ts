/** A series in quarantine: why and since when, its files, and what can still be read of it. */

import { Chart } from '../../parts/chart/chart.ts';
import { h } from '../../parts/elements.ts';
import { failure, panel } from '../../parts/panel.ts';
import { formatCount } from '../../parts/text/number-text.ts';
import { formatLabels } from '../../parts/text/series-names.ts';
import { formatTime } from '../../parts/text/time-text.ts';
import { ask, isAbort } from '../../server/ask-server.ts';
import type { QuarantinedDetail } from '../../server/server-answers.ts';
import { addressOfView } from './actors-address.ts';
import { historyTable } from './series-history.ts';

const chartBuckets = 500;

const factsOf = ({ fingerprint, files }: QuarantinedDetail): HTMLElement => {
  const rows = files.flatMap(({ time, reason, file }) => [
    ['Since', formatTime(time)],
    ['Reason', reason],
    ['File', file ?? 'none: it could not be moved, or there was none'],
  ]);
  rows.push(['Read it with', `tidemark quarantine DIR --read ${fingerprint}`]);
  return h(
    'dl',
    { class: 'facts wrapped' },
    ...rows.flatMap(([name, text]) => [h('dt', {}, name), h('dd', { class: name === 'Reason' ? '' : 'mono' }, text)]),
  );
};

/** What is stored under the same labels now. */
const successorOf = ({ labels, successor }: QuarantinedDetail): HTMLElement => {
  if (labels === undefined || successor === 'absent')
    return h(
      'p',
      { class: 'soft' },
      'The store has no series with these labels now; the next sample begins a new one.',
    );
  const href = addressOfView({ match: formatLabels(labels), series: labels });
  return h(
    'p',
    {},
    'Samples that came later are in a new series: ',
    h('a', { href }, `the one that is ${successor}`),
    '.',
  );
};

const problemsOf = ({ problems, problemCount }: QuarantinedDetail): HTMLElement | undefined => {
  if (problemCount === 0) return undefined;
  const left = problemCount - problems.length;
  return h(
    'details',
    { class: 'small' },
    h('summary', {}, `${formatCount(problemCount)} part${problemCount === 1 ? '' : 's'} can't be read`),
    h('ul', { class: 'list problems' }, ...problems.map((problem) => h('li', { class: 'mono' }, problem))),
    left > 0 && h('p', {}, `and ${formatCount(left)} more`),
  );
};

const countText = ({ sampleCount, drawnCount }: QuarantinedDetail): string =>
  drawnCount < sampleCount
    ? `the newest ${formatCount(drawnCount)} of ${formatCount(sampleCount)} readable samples`
    : `${formatCount(sampleCount)} readable sample${sampleCount === 1 ? '' : 's'}`;

const samplesOf = (detail: QuarantinedDetail, signal: AbortSignal): HTMLElement => {
  if (detail.sampleCount === 0) return panel('Samples', [], h('p', { class: 'empty' }, 'No sample of it can be read.'));
  const chart = new Chart({ signal, height: 200, legend: 'none' });
  const element = panel('Samples', [h('span', { class: 'soft small' }, countText(detail))], chart.element);
  // The chart measures its place when it is in the page.
  requestAnimationFrame(() => chart.draw([detail.series], undefined));
  return element;
};

/** Reads the series with this fingerprint into `element`. */
export const showQuarantined = async (
  element: HTMLElement,
  fingerprint: string,
  signal: AbortSignal,
): Promise<void> => {
  element.replaceChildren(h('p', { class: 'empty panel' }, 'Reading what is left of the series.'));
  try {
    const detail = await ask('/ui/quarantined', { fingerprint, buckets: chartBuckets }, signal);
    const { labels } = detail;
    const name = labels === undefined ? 'Its labels are not known.' : formatLabels(labels);
    element.replaceChildren(
      panel(
        'Quarantined series',
        [h('span', { class: 'badge bad' }, 'quarantined'), h('span', { class: 'mono soft' }, fingerprint)],
        h('p', { class: 'mono name' }, name),
        factsOf(detail),
        successorOf(detail),
      ),
      samplesOf(detail, signal),
      ...[problemsOf(detail)].filter((one) => one !== undefined).map((one) => panel('Not readable', [], one)),
      panel('History', [], historyTable(detail.history)),
    );
  } catch (error) {
    if (!isAbort(error) && !signal.aborted) element.replaceChildren(panel('Quarantined series', [], failure(error)));
  }
};
