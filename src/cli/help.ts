/** The help texts, generated from the verbs' data. No line is wider than 80 columns. */
import type { OptionSpec, Verb } from './verb.ts';

export const helpColumns = 80;

/** Breaks text at blanks into lines of at most `width` columns. */
export const wrap = (text: string, width: number): string[] => {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
};

/** Two columns: terms, and their explanations wrapped beside them. */
const table = (rows: readonly (readonly [string, string])[]): string => {
  const indent = 2;
  const gap = 2;
  const termWidth = Math.max(...rows.map(([term]) => term.length));
  const textColumn = indent + termWidth + gap;
  return rows
    .flatMap(([term, text]) =>
      wrap(text, helpColumns - textColumn).map((line, i) =>
        `${' '.repeat(indent)}${(i === 0 ? term : '').padEnd(termWidth + gap)}${line}`.trimEnd(),
      ),
    )
    .join('\n');
};

const optionTerm = (name: string, { type, placeholder }: OptionSpec): string =>
  type === 'boolean' ? `--${name}` : `--${name} ${placeholder ?? 'TEXT'}`;

/** `tidemark dump DIR [SELECTOR] [options]` */
export const usageOf = (verb: Verb): string => {
  const positionals = verb.positionals.map(({ name, required, repeatable }) => {
    const shown = repeatable === true ? `${name}…` : name;
    return required ? shown : `[${shown}]`;
  });
  const options = Object.keys(verb.options).length > 0 ? ['[options]'] : [];
  return [verb.command ?? `tidemark ${verb.name}`, ...positionals, ...options].join(' ');
};

export const verbHelp = (verb: Verb): string => {
  const sections = [`usage: ${usageOf(verb)}`, wrap(verb.summary, helpColumns).join('\n')];
  if (verb.positionals.length > 0) sections.push(table(verb.positionals.map(({ name, summary }) => [name, summary])));
  const options = Object.entries(verb.options).map(([name, spec]): [string, string] => [
    optionTerm(name, spec),
    spec.summary,
  ]);
  sections.push(`options:\n${table([...options, ['--help', 'Print this text.']])}`);
  for (const note of verb.notes) sections.push(wrap(note, helpColumns).join('\n'));
  if (verb.examples.length > 0) sections.push(`examples:\n${verb.examples.map((line) => `  ${line}`).join('\n')}`);
  return `${sections.join('\n\n')}\n`;
};

export const overallHelp = (verbs: readonly Verb[]): string =>
  `${[
    'usage: tidemark VERB [arguments] [options]',
    'An embedded time-series store: look into its directories, and serve its pages.',
    `verbs:\n${table(verbs.map(({ name, summary }) => [name, summary]))}`,
    `options:\n${table([
      ['--help', 'Print this text; after a verb, the help of that verb.'],
      ['--version', 'Print the version.'],
    ])}`,
    wrap(
      'Data goes to stdout; progress and messages go to stderr. Exit codes: 0 done, 1 error, 2 wrong usage, 3 problems found, 4 the directory is in use, 130 interrupted.',
      helpColumns,
    ).join('\n'),
  ].join('\n\n')}\n`;
