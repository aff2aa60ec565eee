/**
 * Generates docs/events.md from the types in src/model/events.ts, their comments, and an example of each event.
 * `UPDATE_DOCS=1 npm test` writes the page; a test fails if it is stale.
 */
import { readFileSync } from 'node:fs';
import { eventExamples } from './event-examples.ts';

export const eventsPagePath = 'docs/events.md';

interface Field {
  readonly name: string;
  readonly isOptional: boolean;
  readonly type: string;
  readonly comment: string;
}

interface EventType {
  readonly name: string;
  readonly comment: string;
  readonly fields: readonly Field[];
}

const introduction = `# Events

<!-- Made by test/docs/generators/events-page.ts from src/model/events.ts: change it there. -->

Events say what happens in a store: plain data, named in the past tense. The journal stores the events in order. The
heads checkpoint is their snapshot, the indexes and metrics are their projections, and recovery replays them. Two
frequent steps publish no event: a head chunk that is closed because it is full, and the eviction of a chunk from
memory. Neither changes which samples the store has.

- \`store.events$\` delivers events as they happen. \`store.subscribe(name)\` delivers them from the journal, at least
  once. \`store.journal()\` reads them from any position ([api.md](api.md)). \`tidemark events\` prints them.
- \`events$\` and \`store.watch(selector)\` are hot: an event without subscribers costs nothing and is not kept. Both
  complete after \`storeClosed\`. An error that a subscriber throws reaches neither the store nor other subscribers: rxjs
  reports it (\`config.onUnhandledError\`, or an uncaught exception).
- \`events$\` delivers an event before it is safe, so a crash can still lose it. \`subscribe\` delivers durable events
  only.
- The position of a subscription is stored in a file of its own in \`journal/subscriptions/\`. It survives crashes, closes
  and checkpoints. A subscription that holds back more than \`subscriptionBacklogBytes\` is moved forward, and its next
  batch names the range that it lost.
- \`time\` is when the event happened, in milliseconds since the epoch. Fingerprints are 16 hex digits. Every event from
  the journal has a \`position\`: the end of the event, where a reader that has handled it continues
  ([formats/journal.md](formats/journal.md)).
- All events except \`samplesAppended\` and \`lateSamplesAppended\` are *lifecycle events*. They are few, and the store keeps them longer than the
  samples between them. \`store.history(labels)\` returns those of one series.
- Later versions may add types and fields: ignore those that you don't know.
`;

export const eventsPage = (): string => {
  const source = readFileSync('src/model/events.ts', 'utf8');
  const types = eventTypesOf(source);
  const sections = [
    ['What happens to a series', [...unionOf(source, 'SeriesEvent'), ...unionOf(source, 'SamplesEvent')]],
    ['What happens to the store', unionOf(source, 'StoreEvent')],
    ['What happens to an alert', unionOf(source, 'AlertEvent')],
  ] as const;
  const parts = sections.map(([title, names]) => {
    const pages = names.map((name) => eventSection(types.find((type) => type.name === name)));
    return `## ${title}\n\n${pages.join('\n')}`;
  });
  return [introduction, ...parts].join('\n');
};

/** The members of a union type, in order. */
const unionOf = (source: string, name: string): string[] => {
  const [, members] = new RegExp(`export type ${name} =([^;]*);`).exec(source) ?? [];
  return [...(members ?? '').matchAll(/\w+/g)].map(([member]) => member);
};

const eventTypesOf = (source: string): EventType[] =>
  [
    ...source.matchAll(
      /(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n)?export interface (\w+)(?: extends (\w+))? \{\n([\s\S]*?)\n\}/g,
    ),
  ].map(([, comment, name, base, body]) => ({
    name,
    comment: textOf(comment),
    fields: [...(base === undefined ? [] : fieldsOf(bodyOf(source, base))), ...fieldsOf(body)],
  }));

const bodyOf = (source: string, name: string): string =>
  new RegExp(`export interface ${name} \\{\\n([\\s\\S]*?)\\n\\}`).exec(source)?.[1] ?? '';

const fieldsOf = (body: string): Field[] =>
  [...body.matchAll(/(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n\s*)?readonly (\w+)(\??): ([^;]+);/g)].map(
    ([, comment, name, optional, type]) => ({
      name,
      isOptional: optional === '?',
      type: type.replace(/\s+/g, ' '),
      comment: textOf(comment),
    }),
  );

/** A comment as running text. */
const textOf = (comment: string | undefined): string =>
  (comment ?? '')
    .replace(/^\s*\* ?/gm, ' ')
    .replace(/\s+/g, ' ')
    .trim();

const eventSection = (type: EventType | undefined): string => {
  if (type === undefined) throw new Error('an event type without an interface');
  const name = `${type.name[0].toLowerCase()}${type.name.slice(1)}` as keyof typeof eventExamples;
  const rows = type.fields
    .filter((field) => field.name !== 'type' && field.name !== 'time')
    .map(
      ({ name: field, isOptional, type: fieldType, comment }) =>
        `| \`${field}\`${isOptional ? ' (may be absent)' : ''} | \`${fieldType.replaceAll('|', '\\|')}\` | ${comment} |`,
    );
  const table = rows.length === 0 ? [] : ['| field | type | |', '|---|---|---|', ...rows, ''];
  const example = JSON.stringify(eventExamples[name], plainArrays).replace(/([,:])(?=["[{\dft-])/g, '$1 ');
  return [
    `### ${name}`,
    '',
    ...(type.comment === '' ? [] : [type.comment, '']),
    ...table,
    '```json',
    example,
    '```',
    '',
  ].join('\n');
};

const plainArrays = (_key: string, value: unknown): unknown => (value instanceof Float64Array ? [...value] : value);
