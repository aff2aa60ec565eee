/**
 * `/federate`: the newest samples as text, for another Prometheus to scrape. A reader that knows quoted UTF-8 names says
 * so in its Accept header; for the others names are escaped, because 0.0.4 cannot hold them.
 */
import type { InstantSample, Labels, Store } from '../index.ts';
import { type Escaping, escapeName, escapings } from '../text/escape-names.ts';
import { formatLabels, sortByLabels } from '../text/labels.ts';
import { formatValue } from '../text/values.ts';
import { matchParams } from './params.ts';
import { sendPieces } from './reply.ts';
import type { StoreExchange } from './router.ts';
import { warningsOf } from './warnings.ts';

const nameOf = ({ labels }: InstantSample): string => labels['__name__'] ?? '';

/** The newest sample of every matching series that has not ended, once each though several selectors match it. */
const latest = async (store: Store, selectors: readonly string[]): Promise<InstantSample[]> => {
  const found = (await Promise.all(selectors.map((selector) => store.instant(selector)))).flat();
  const each =
    selectors.length === 1
      ? found
      : sortByLabels(
          [...new Map(found.map((sample) => [formatLabels(sample.labels), sample])).values()],
          ({ labels }) => labels,
        );
  // They are sorted by labels. All samples of a metric stand together in the text format, so the name comes first.
  return each.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0));
};

/** The escaping that the reader's first acceptable text format names; Prometheus' default is underscores. */
const escapingFor = (accept: string | undefined): Escaping => {
  for (const format of (accept ?? '').split(',')) {
    const [type, ...parameters] = format.split(';').map((part) => part.trim().toLowerCase());
    if (type !== 'text/plain' && type !== '*/*') continue;
    const wanted = parameters.find((parameter) => parameter.startsWith('escaping='))?.slice('escaping='.length);
    const known = escapings.find((escaping) => escaping === wanted);
    if (known !== undefined) return known;
  }
  return 'underscores';
};

const contentTypeOf = (escaping: Escaping): string =>
  escaping === 'allow-utf-8'
    ? 'text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8'
    : 'text/plain; version=0.0.4; charset=utf-8';

/** Label names have no colons in the classic form, unlike metric names. */
const escapeLabel = (name: string, escaping: Escaping): string => {
  const escaped = escapeName(name, escaping);
  return escaping === 'allow-utf-8' ? escaped : escaped.replaceAll(':', '_');
};

const escapeLabels = (labels: Labels, escaping: Escaping): Labels => {
  const escaped = new Map<string, string>();
  for (const [name, value] of Object.entries(labels)) {
    if (name === '__name__') escaped.set(name, escapeName(value, escaping));
    else {
      const short = escapeLabel(name, escaping);
      // Two labels of a series may come to the same name; escaped by value, they differ.
      const isTaken = escaped.has(short) || (short !== name && Object.hasOwn(labels, short));
      escaped.set(isTaken ? escapeName(name, 'values').replaceAll(':', '_3a_') : short, value);
    }
  }
  return Object.fromEntries(escaped);
};

const withInstance = (labels: Labels): string => {
  const text = formatLabels(labels);
  if (labels['instance']) return text;
  return text.endsWith('}') ? `${text.slice(0, -1)},instance=""}` : `${text}{instance=""}`;
};

/** A metric's name as it stands in a comment: quoted when it is not of the classic form. */
const nameInComment = (name: string): string => formatLabels({ __name__: name }).replace(/^\{(.*)\}$/s, '$1');

/**
 * As the original's: one sample a series, the newest of the last five minutes, unless the series has ended. A series
 * without `instance` says so, lest its scraper put its own there; one without a name can't be written, and is left out.
 */
async function* federatedLines({ store, params }: StoreExchange, escaping: Escaping): AsyncIterable<string> {
  let previous: string | undefined;
  for (const sample of await latest(store, matchParams(params, { required: true }))) {
    const { labels, value, timestamp } = sample;
    // A comment that is neither HELP nor TYPE is passed over by every scraper.
    for (const warning of warningsOf(sample)) yield `# ${warning.replace(/\s+/g, ' ')}\n`;
    if (!labels['__name__']) continue;
    const escaped = escapeLabels(labels, escaping);
    const name = escaped['__name__'];
    const type = name === previous ? '' : `# TYPE ${nameInComment(name)} untyped\n`;
    previous = name;
    yield `${type}${withInstance(escaped)} ${formatValue(value)} ${timestamp}\n`;
  }
}

export const federate = (exchange: StoreExchange): Promise<void> => {
  const escaping = escapingFor(exchange.request.headers.accept);
  return sendPieces(exchange, contentTypeOf(escaping), federatedLines(exchange, escaping));
};
