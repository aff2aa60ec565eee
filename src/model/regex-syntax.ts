/**
 * Reads the regular expressions of matchers: RE2 syntax, as Prometheus users write it. The result is a tree from which
 * regex-program.ts makes an automaton and regex.ts takes the literal texts that can match, where they are few.
 *
 * JavaScript's own syntax differs just enough to surprise: it refuses harmless escapes such as `\-` and `\:`, knows
 * neither `\Q…\E`, `\z`, `[[:alpha:]]`, `\pL` nor flags such as `(?i)`, and has look-around and back-references, which RE2
 * doesn't. docs/formats/labels-and-mappings.md has what is understood.
 */

/** Conditions on the place between two characters. */
export type Assertion = 'textStart' | 'textEnd' | 'lineStart' | 'lineEnd' | 'wordBoundary' | 'noWordBoundary';

export type RegexNode =
  | { readonly kind: 'literal'; readonly text: string }
  /** One character, as a class of JavaScript's with the flag u; `characters` lists them where that is short. */
  | { readonly kind: 'class'; readonly source: string; readonly characters?: readonly string[] }
  /** Any character, line feeds included unless `(?-s)` was given. */
  | { readonly kind: 'any' }
  | { readonly kind: 'assertion'; readonly assertion: Assertion }
  | { readonly kind: 'concat'; readonly parts: readonly RegexNode[] }
  | { readonly kind: 'alternate'; readonly parts: readonly RegexNode[] }
  | { readonly kind: 'repeat'; readonly node: RegexNode; readonly min: number; readonly max: number };

export interface Regex {
  readonly tree: RegexNode;
  readonly ignoreCase: boolean;
  readonly dotAll: boolean;
}

/** What is wrong with a regular expression, and where: the offset in its text. */
export class RegexSyntaxError extends Error {
  override readonly name = 'RegexSyntaxError';
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

const REPEAT_MAX = 1000;
const DEPTH_MAX = 200;
const LISTED_CHARACTERS_MAX = 64;

/** Reads a regular expression. Throws {@link RegexSyntaxError}. */
export const parseRegex = (text: string): Regex => new RegexParser(text).parse();

const perlClasses: Readonly<Record<string, string>> = {
  d: '0-9',
  D: '\\0-\\x2f\\x3a-\\u{10ffff}',
  s: '\\t\\n\\f\\r\\x20',
  S: '\\0-\\x08\\x0b\\x0e-\\x1f\\x21-\\u{10ffff}',
  w: '0-9A-Za-z_',
  W: '\\0-\\x2f\\x3a-\\x40\\x5b-\\x5e\\x60\\x7b-\\u{10ffff}',
};

const posixClasses: Readonly<Record<string, readonly [inside: string, outside: string]>> = {
  alnum: ['0-9A-Za-z', '\\0-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\u{10ffff}'],
  alpha: ['A-Za-z', '\\0-\\x40\\x5b-\\x60\\x7b-\\u{10ffff}'],
  ascii: ['\\0-\\x7f', '\\x80-\\u{10ffff}'],
  blank: ['\\t\\x20', '\\0-\\x08\\x0a-\\x1f\\x21-\\u{10ffff}'],
  cntrl: ['\\0-\\x1f\\x7f', '\\x20-\\x7e\\x80-\\u{10ffff}'],
  digit: ['0-9', '\\0-\\x2f\\x3a-\\u{10ffff}'],
  graph: ['!-~', '\\0-\\x20\\x7f-\\u{10ffff}'],
  lower: ['a-z', '\\0-\\x60\\x7b-\\u{10ffff}'],
  print: ['\\x20-~', '\\0-\\x1f\\x7f-\\u{10ffff}'],
  punct: ['!-\\/:-@\\[-`\\{-~', '\\0-\\x20 0-9A-Za-z\\x7f-\\u{10ffff}'],
  space: ['\\t-\\r\\x20', '\\0-\\x08\\x0e-\\x1f\\x21-\\u{10ffff}'],
  upper: ['A-Z', '\\0-\\x40\\x5b-\\u{10ffff}'],
  word: ['0-9A-Za-z_', '\\0-\\x2f\\x3a-\\x40\\x5b-\\x5e\\x60\\x7b-\\u{10ffff}'],
  xdigit: ['0-9A-Fa-f', '\\0-\\x2f\\x3a-\\x40\\x47-\\x60\\x67-\\u{10ffff}'],
};

const controlEscapes: Readonly<Record<string, string>> = {
  a: '\x07',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

const assertionEscapes: Readonly<Record<string, Assertion>> = {
  A: 'textStart',
  z: 'textEnd',
  b: 'wordBoundary',
  B: 'noWordBoundary',
};

/** Recursive descent over the text's code points. */
class RegexParser {
  private readonly text: string;
  private offset = 0;
  private depth = 0;
  private ignoreCase = false;
  private dotAll = true;
  private multiline = false;

  constructor(text: string) {
    this.text = text;
  }

  parse(): Regex {
    this.leadingFlags();
    const tree = this.alternation();
    if (this.offset < this.text.length) this.fail('unmatched )');
    return { tree, ignoreCase: this.ignoreCase, dotAll: this.dotAll };
  }

  private alternation(): RegexNode {
    if (++this.depth > DEPTH_MAX) this.fail(`groups nested deeper than ${DEPTH_MAX}`);
    const parts = [this.concatenation()];
    while (this.take('|')) parts.push(this.concatenation());
    this.depth--;
    return parts.length === 1 ? parts[0] : { kind: 'alternate', parts };
  }

  private concatenation(): RegexNode {
    const parts: RegexNode[] = [];
    while (this.offset < this.text.length && !this.at('|') && !this.at(')')) {
      if (this.take('\\Q')) this.quoted(parts);
      else parts.push(this.repeated(this.offset, this.atom()));
    }
    return parts.length === 1 ? parts[0] : { kind: 'concat', parts };
  }

  /** `\Q…\E`, or up to the end: each character for itself; what follows repeats the last one. */
  private quoted(parts: RegexNode[]): void {
    const start = this.offset;
    const found = this.text.indexOf('\\E', this.offset);
    const end = found < 0 ? this.text.length : found;
    const characters = [...this.text.slice(start, end)];
    for (const character of characters) parts.push({ kind: 'literal', text: character });
    this.offset = found < 0 ? end : end + 2;
    const last = characters.length === 0 ? undefined : parts.pop();
    if (last !== undefined) parts.push(this.repeated(start, last));
  }

  /** The node with the repetition that follows it, if one does. */
  private repeated(start: number, node: RegexNode): RegexNode {
    const bounds = this.repeatBounds();
    if (bounds === undefined) return node;
    // Lazy or greedy makes no difference to whether a whole text matches.
    this.take('?');
    const next = this.offset;
    if (this.repeatBounds() !== undefined) {
      this.fail(`repeated repetition ${this.text.slice(start, this.offset)}`, next);
    }
    return { kind: 'repeat', node, min: bounds[0], max: bounds[1] };
  }

  private repeatBounds(): readonly [number, number] | undefined {
    if (this.take('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.take('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.take('?')) return [0, 1];
    const counted = /^\{(\d{1,9})(,?)(\d{0,9})\}/.exec(this.text.slice(this.offset, this.offset + 32));
    if (counted === null || (counted[2] === '' && counted[3] !== '')) return undefined;
    const min = Number(counted[1]);
    const open = counted[3] === '' ? Number.POSITIVE_INFINITY : Number(counted[3]);
    const max = counted[2] === '' ? min : open;
    if (min > max || min > REPEAT_MAX || (Number.isFinite(max) && max > REPEAT_MAX)) {
      this.fail(`repeat count ${counted[0]} (at most ${REPEAT_MAX}, the smaller number first)`);
    }
    this.offset += counted[0].length;
    return [min, max];
  }

  private atom(): RegexNode {
    const start = this.offset;
    const character = this.next();
    switch (character) {
      case '.':
        return { kind: 'any' };
      case '^':
        return { kind: 'assertion', assertion: this.multiline ? 'lineStart' : 'textStart' };
      case '$':
        return { kind: 'assertion', assertion: this.multiline ? 'lineEnd' : 'textEnd' };
      case '(':
        return this.group(start);
      case '[':
        return this.characterClass(start);
      case '\\':
        return this.escape(start);
      case '*':
      case '+':
      case '?':
        return this.fail(`nothing to repeat before ${character}`, start);
      default:
        return { kind: 'literal', text: character };
    }
  }

  /** `(?is-m)` at the very beginning: for the whole expression. */
  private leadingFlags(): void {
    let match = /^\(\?([imsU]*)(?:-([imsU]+))?\)/.exec(this.text);
    while (match !== null && match[0] !== '(?)') {
      this.setFlags(match[1], true);
      this.setFlags(match[2] ?? '', false);
      this.offset += match[0].length;
      match = /^\(\?([imsU]*)(?:-([imsU]+))?\)/.exec(this.text.slice(this.offset));
    }
  }

  private setFlags(flags: string, value: boolean): void {
    if (flags.includes('i')) this.ignoreCase = value;
    if (flags.includes('s')) this.dotAll = value;
    if (flags.includes('m')) this.multiline = value;
  }

  private group(start: number): RegexNode {
    if (this.take('?')) {
      const named = /^P?<([A-Za-z_][A-Za-z0-9_]*)>/.exec(this.text.slice(this.offset, this.offset + 100));
      if (named !== null) this.offset += named[0].length;
      else if (!this.take(':')) this.failGroup(start);
    }
    const inner = this.alternation();
    if (!this.take(')')) this.fail('missing )', start);
    return inner;
  }

  private failGroup(start: number): never {
    const opening = this.text.slice(start, start + 4);
    if (/^\(\?(?:[=!]|<[=!])/.test(opening)) this.fail('look-ahead and look-behind are not supported', start);
    if (/^\(\?[imsU-]/.test(opening)) this.fail('flags are supported at the beginning of the expression only', start);
    this.fail(`unknown kind of group ${opening}`, start);
  }

  private escape(start: number): RegexNode {
    const character = this.next('an escape');
    if (assertionEscapes[character] !== undefined) {
      return { kind: 'assertion', assertion: assertionEscapes[character] };
    }
    const set = this.classEscape(character, start);
    if (set !== undefined) return { kind: 'class', source: `[${set}]` };
    return { kind: 'literal', text: this.characterEscape(character, start) };
  }

  /** `\d`, `\pL` and the like as the inside of a JavaScript class; `undefined` when it is another escape. */
  private classEscape(character: string, start: number): string | undefined {
    if (perlClasses[character] !== undefined) return perlClasses[character];
    if (character !== 'p' && character !== 'P') return undefined;
    const match = /^(?:([A-Z])|\{(\^?)([A-Za-z_]+)\})/.exec(this.text.slice(this.offset, this.offset + 64));
    if (match === null) return this.fail('unknown character property', start);
    this.offset += match[0].length;
    const name = match[1] ?? match[3];
    const isNegated = (character === 'P') !== (match[2] === '^');
    if (name === 'Any') return isNegated ? '' : '\\0-\\u{10ffff}';
    return `\\${isNegated ? 'P' : 'p'}{${name.length <= 2 ? name : `Script=${name}`}}`;
  }

  /** An escape that stands for one character. */
  private characterEscape(character: string, start: number): string {
    const control = controlEscapes[character];
    if (control !== undefined) return control;
    const rest = this.text.slice(this.offset, this.offset + 12);
    if (character === 'x') {
      const hex = /^(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,8})\})/.exec(rest);
      if (hex === null) return this.fail('\\x needs two hex digits or a number in braces', start);
      this.offset += hex[0].length;
      return this.codePoint(Number.parseInt(hex[1] ?? hex[2], 16), start);
    }
    if (/[0-7]/.test(character)) {
      const octal = /^[0-7]{0,2}/.exec(rest)?.[0] ?? '';
      if (character !== '0' && octal === '') this.fail('back-references are not supported', start);
      this.offset += octal.length;
      return this.codePoint(Number.parseInt(character + octal, 8), start);
    }
    if (/[89]/.test(character)) this.fail('back-references are not supported', start);
    if (/[A-Za-z]/.test(character)) this.fail(`unknown escape \\${character}`, start);
    return character;
  }

  private codePoint(code: number, start: number): string {
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) this.fail('no such character', start);
    return String.fromCodePoint(code);
  }

  private characterClass(start: number): RegexNode {
    const isNegated = this.take('^');
    const items: string[] = [];
    let characters: string[] | undefined = isNegated ? undefined : [];
    let isFirst = true;
    while (isFirst || !this.at(']')) {
      if (this.offset >= this.text.length) this.fail('missing ]', start);
      isFirst = false;
      const set = this.classSet();
      if (set !== undefined) {
        items.push(set);
        characters = undefined;
        continue;
      }
      const from = this.classCharacter(start);
      const to = this.rangeEnd(start) ?? from;
      if (to.codePointAt(0)! < from.codePointAt(0)!) this.fail(`range ${from}-${to} is the wrong way round`);
      items.push(from === to ? escapeInClass(from) : `${escapeInClass(from)}-${escapeInClass(to)}`);
      characters = listed(characters, from, to);
    }
    this.offset++;
    const source = `[${isNegated ? '^' : ''}${items.join('')}]`;
    return characters === undefined ? { kind: 'class', source } : { kind: 'class', source, characters };
  }

  /** `[:alpha:]`, `\d`, `\pL` inside a class. */
  private classSet(): string | undefined {
    const start = this.offset;
    const posix = /^\[:(\^?)([a-z]+):\]/.exec(this.text.slice(start, start + 16));
    if (posix !== null) {
      if (!Object.hasOwn(posixClasses, posix[2])) return this.fail(`unknown class ${posix[0]}`);
      this.offset += posix[0].length;
      return posixClasses[posix[2]][posix[1] === '^' ? 1 : 0];
    }
    if (!this.take('\\')) return undefined;
    const set = this.classEscape(this.next('an escape'), start);
    if (set === undefined) this.offset = start;
    return set;
  }

  private classCharacter(start: number): string {
    const offset = this.offset;
    const character = this.next('] of the class', start);
    return character === '\\' ? this.characterEscape(this.next('an escape'), offset) : character;
  }

  private rangeEnd(start: number): string | undefined {
    if (!this.at('-') || this.text[this.offset + 1] === ']' || this.offset + 1 >= this.text.length) return undefined;
    this.offset++;
    return this.classCharacter(start);
  }

  private at(text: string): boolean {
    return this.text.startsWith(text, this.offset);
  }

  private take(text: string): boolean {
    if (!this.at(text)) return false;
    this.offset += text.length;
    return true;
  }

  /** The next code point. */
  private next(what = 'more', start = this.offset): string {
    const code = this.text.codePointAt(this.offset);
    if (code === undefined) return this.fail(`it ends where ${what} should follow`, start);
    const character = String.fromCodePoint(code);
    this.offset += character.length;
    return character;
  }

  private fail(message: string, offset = this.offset): never {
    throw new RegexSyntaxError(message, offset);
  }
}

/** The characters so far and those of a range, or `undefined` when they are too many to list. */
const listed = (characters: string[] | undefined, from: string, to: string): string[] | undefined => {
  const first = from.codePointAt(0)!;
  const last = to.codePointAt(0)!;
  if (characters === undefined || characters.length + last - first >= LISTED_CHARACTERS_MAX) return undefined;
  for (let code = first; code <= last; code++) characters.push(String.fromCodePoint(code));
  return characters;
};

/** A character as it stands inside a JavaScript class. */
const escapeInClass = (character: string): string => `\\u{${character.codePointAt(0)!.toString(16)}}`;
