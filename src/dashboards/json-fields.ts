/** Reads JSON of unknown origin field by field. Errors name the field, its value and what is allowed. */

/** The JSON is not what it must be. */
export class DashboardError extends Error {
  override readonly name = 'DashboardError';
}

const shownMax = 80;

const shown = (value: unknown): string => {
  if (value === undefined) return 'missing';
  const text = Array.isArray(value) ? 'a list' : typeof value === 'object' && value !== null ? 'an object' : undefined;
  if (text !== undefined) return text;
  const json = JSON.stringify(value);
  return json.length > shownMax ? `${json.slice(0, shownMax)}…` : json;
};

export const refuse = (path: string, value: unknown, allowed: string): DashboardError =>
  new DashboardError(`${path} is ${shown(value)}; allowed: ${allowed}`);

export interface TextOptions {
  readonly lengthMax: number;
  /** Taken if the field is missing. */
  readonly fallback?: string;
  readonly mayBeEmpty?: boolean;
  /** The text must match; `rule` says what that means. */
  readonly pattern?: RegExp;
  readonly rule?: string;
}

/** The fields of one JSON object. */
export class JsonFields {
  private readonly path: string;
  private readonly fields: Readonly<Record<string, unknown>>;

  /** `path` names the object in messages; empty for the whole. `known`: all fields that it may have. */
  constructor(value: unknown, path: string, known: readonly string[]) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw refuse(path === '' ? 'the dashboard' : path, value, 'an object');
    this.path = path;
    this.fields = value as Readonly<Record<string, unknown>>;
    const unknown = Object.keys(value).find((name) => !known.includes(name));
    if (unknown !== undefined)
      throw new DashboardError(`${this.nameOf(unknown.slice(0, shownMax))} is not known; allowed: ${known.join(', ')}`);
  }

  nameOf(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`;
  }

  of(name: string): unknown {
    return Object.hasOwn(this.fields, name) ? this.fields[name] : undefined;
  }

  text(name: string, { lengthMax, fallback, mayBeEmpty = true, pattern, rule }: TextOptions): string {
    const value = this.of(name) ?? fallback;
    const allowed = `${rule ?? `${mayBeEmpty ? '' : 'not empty '}text`}, at most ${lengthMax} characters`;
    if (typeof value !== 'string' || value.length > lengthMax || (!mayBeEmpty && value.trim() === ''))
      throw refuse(this.nameOf(name), value, allowed);
    if (pattern !== undefined && !pattern.test(value)) throw refuse(this.nameOf(name), value, rule ?? '');
    return value;
  }

  oneOf<Choice extends string>(name: string, choices: readonly Choice[], fallback: Choice): Choice {
    const value = this.of(name) ?? fallback;
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw refuse(this.nameOf(name), value, choices.join(', '));
    return found;
  }

  whole(name: string, { minimum, maximum, fallback }: { minimum: number; maximum: number; fallback: number }): number {
    const value = this.of(name) ?? fallback;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < minimum || value > maximum)
      throw refuse(this.nameOf(name), value, `a whole number from ${minimum} to ${maximum}`);
    return value;
  }

  flag(name: string): boolean {
    const value = this.of(name) ?? false;
    if (typeof value !== 'boolean') throw refuse(this.nameOf(name), value, 'true or false');
    return value;
  }

  /** A list; `read` gets each entry with its path. A missing list is empty. */
  list<Entry>(name: string, lengthMax: number, read: (value: unknown, path: string) => Entry): Entry[] {
    const value = this.of(name) ?? [];
    if (!Array.isArray(value)) throw refuse(this.nameOf(name), value, `a list of at most ${lengthMax}`);
    if (value.length > lengthMax)
      throw new DashboardError(`${this.nameOf(name)} has ${value.length} entries; allowed: at most ${lengthMax}`);
    return value.map((entry, i) => read(entry, `${this.nameOf(name)}[${i}]`));
  }

  /** A list of texts. */
  texts(name: string, countMax: number, lengthMax: number): string[] {
    return this.list(name, countMax, (value, path) => {
      if (typeof value === 'string' && value.length <= lengthMax) return value;
      throw refuse(path, value, `text, at most ${lengthMax} characters`);
    });
  }
}
