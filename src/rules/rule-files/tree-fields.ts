/** Reads the fields of a mapping one by one, and collects what is wrong with them. */
import { durationMs } from '../../model/duration.ts';
import type { Labels } from '../../model/labels.ts';
import type { Place, Problem, Tree } from './yaml-tree.ts';

export class TreeFields {
  readonly place: Place;
  private readonly fields = new Map<string, { readonly value: Tree; readonly place: Place }>();
  private readonly problems: Problem[];
  private readonly path: string;

  /** `path` begins each message, such as `group "node", rule 2 (HighLoad)`. */
  constructor(tree: Tree | undefined, allowed: readonly string[], problems: Problem[], path: string) {
    this.problems = problems;
    this.path = path;
    this.place = tree?.place ?? { line: 1, column: 1 };
    if (tree === undefined || isNull(tree)) return;
    if (tree.kind !== 'map') {
      this.note(tree.place, `expected a mapping with the fields ${allowed.join(', ')}`);
      return;
    }
    for (const { key, place, value } of tree.entries) {
      if (allowed.includes(key)) this.fields.set(key, { value, place });
      else this.note(place, `unknown field ${JSON.stringify(key)}; allowed: ${allowed.join(', ')}`);
    }
  }

  note(place: Place, message: string): void {
    this.problems.push({
      line: place.line,
      column: place.column,
      message: this.path === '' ? message : `${this.path}: ${message}`,
    });
  }

  has(name: string): boolean {
    return this.fields.has(name);
  }

  placeOf(name: string): Place {
    return this.fields.get(name)?.place ?? this.place;
  }

  /** Where the value of a field begins. */
  valuePlaceOf(name: string): Place {
    return this.fields.get(name)?.value.place ?? this.place;
  }

  /** A text; numbers and booleans count as the text that is written. Empty if there is none. */
  text(name: string): string {
    const value = this.fields.get(name)?.value;
    if (value === undefined) return '';
    if (value.kind === 'scalar') return value.text;
    this.note(value.place, `${name} takes a text`);
    return '';
  }

  /** Milliseconds of a duration; `undefined` if it is not given. */
  duration(name: string): number | undefined {
    const text = this.text(name);
    if (text === '') return undefined;
    const milliseconds = durationMs(text);
    if (milliseconds === undefined) {
      this.note(
        this.valuePlaceOf(name),
        `${name}: not a valid duration string: ${JSON.stringify(text)}; allowed: text such as 30s, 5m, 1h30m`,
      );
    }
    return milliseconds;
  }

  /** A whole number; `undefined` if it is not given. */
  integer(name: string): number | undefined {
    const text = this.text(name);
    if (text === '') return undefined;
    if (/^[+-]?\d{1,15}$/.test(text)) return Number(text);
    this.note(this.valuePlaceOf(name), `${name} takes a whole number, not ${JSON.stringify(text)}`);
    return undefined;
  }

  boolean(name: string): boolean | undefined {
    const value = this.fields.get(name)?.value;
    if (value === undefined || isNull(value)) return undefined;
    if (value.kind === 'scalar' && value.type === 'boolean') return value.text.toLowerCase() === 'true';
    this.note(value.place, `${name} takes true or false`);
    return undefined;
  }

  /** A number, as YAML writes numbers; `undefined` if it is not given. */
  number(name: string): number | undefined {
    const value = this.fields.get(name)?.value;
    if (value === undefined || isNull(value)) return undefined;
    if (value.kind === 'scalar' && value.type === 'number') return yamlNumber(value.text);
    this.note(value.place, `${name} takes a number`);
    return undefined;
  }

  /** Names and texts, such as labels. */
  texts(name: string): Labels {
    const tree = this.fields.get(name)?.value;
    if (tree === undefined || isNull(tree)) return {};
    if (tree.kind !== 'map') {
      this.note(tree.place, `${name} takes a mapping of names to texts`);
      return {};
    }
    const texts: [string, string][] = [];
    for (const { key, value } of tree.entries) {
      if (value.kind === 'scalar') texts.push([key, value.text]);
      else this.note(value.place, `${name}: ${key} takes a text`);
    }
    return Object.fromEntries(texts);
  }

  /** Where the value of an entry of {@link texts} begins. */
  entryPlaceOf(name: string, key: string): Place {
    const tree = this.fields.get(name)?.value;
    const entry = tree?.kind === 'map' ? tree.entries.find((one) => one.key === key) : undefined;
    return entry?.value.place ?? this.valuePlaceOf(name);
  }

  list(name: string): readonly Tree[] {
    const tree = this.fields.get(name)?.value;
    if (tree === undefined || isNull(tree)) return [];
    if (tree.kind === 'list') return tree.items;
    this.note(tree.place, `${name} takes a list`);
    return [];
  }
}

const isNull = (tree: Tree): boolean => tree.kind === 'scalar' && tree.type === 'null';

const yamlNumber = (text: string): number => {
  const lower = text.toLowerCase();
  if (lower.endsWith('.nan')) return Number.NaN;
  if (lower.endsWith('.inf')) return lower.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const digits = text.replaceAll('_', '');
  return digits.startsWith('-0x') || digits.startsWith('-0o') ? -Number(digits.slice(1)) : Number(digits);
};
