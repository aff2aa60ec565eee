/**
 * `/federate`: the newest samples as text, for another Prometheus to scrape. A reader that supports quoted UTF-8 names
 * says so in its Accept header. For other readers names are escaped, because 0.0.4 has no form for them.
 */
import type { InstantSample, Labels, Store } from '../index.ts';
import { type Escaping, escapeName, escapings } from '../text/escape-names.ts';
import { formatLabels, sortByLabels } from '../text/label-text.ts';
import { formatValue } from '../text/values.ts';
import { matchParams } from './params.ts';
import { sendPieces } from './reply.ts';
import type { StoreExchange } from './router.ts';
import { warningsOf } from './warnings.ts';

const nameOf = ({ labels }: InstantSample): string => labels['__name__'] ?? '';

/** The newest sample of every matching series that has not ended. A series that several selectors match occurs once. */
const latest = async (store: Store, selectors: readonly string[]): Promise<InstantSample[]> => {
  const found = (await Promise.all(selectors.map((selector) => store.instant(selector)))).flat();
  const each =
    selectors.length === 1
      ? found
      : sortByLabels(
          [...new Map(found.map((sample) => [formatLabels(sample.labels), sample])).values()],
          ({ labels }) => labels,
        );
  // In the text format all samples of a metric must be together, so the name is compared first.
  return each.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0));
};

/** The escaping of the first text format that the reader accepts. As in Prometheus, the default is underscores. */
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

/** Unlike metric names, classic label names have no colons. */
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
      // Two labels of a series may get the same escaped name. Names escaped by value differ.
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

/** A metric's name for a comment: quoted if it is not in the classic form. */
const nameInComment = (name: string): string => formatLabels({ __name__: name }).replace(/^\{(.*)\}$/s, '$1');

/**
 * As in the original: one sample per series, the newest of the last five minutes, unless the series has ended. A series
 * without `instance` gets an empty one, so that the scraper does not add its own. A series without a name can't be
 * written and is left out.
 */
async function* federatedLines({ store, params }: StoreExchange, escaping: Escaping): AsyncIterable<string> {
  let previous: string | undefined;
  for (const sample of await latest(store, matchParams(params, { required: true }))) {
    const { labels, value, timestamp } = sample;
    // Every scraper ignores a comment that is neither HELP nor TYPE.
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
