/**
 * Parses the regular expressions of matchers: RE2 syntax, as Prometheus users write it. The result is a tree.
 * regex-program.ts compiles it to a program for the automaton; regex.ts takes from it the literal texts that can match,
 * if they are few.
 *
 * JavaScript's own syntax is not used because it differs: it refuses harmless escapes such as `\-` and `\:`, does not
 * support `\Q…\E`, `\z`, `[[:alpha:]]`, `\pL` and flags such as `(?i)`, and has look-around and back-references, which
 * RE2 does not have. docs/formats/labels-and-mappings.md describes the supported syntax.
 */

import { perlClasses, posixClasses, propertySource } from './regex-classes.ts';

/** Conditions on the place between two characters. */
export type Assertion = 'textStart' | 'textEnd' | 'lineStart' | 'lineEnd' | 'wordBoundary' | 'noWordBoundary';

export type RegexNode =
  /** With `fold`, the text matches in upper and lower case. */
  | { readonly kind: 'literal'; readonly text: string; readonly fold?: boolean }
  | CharacterClass
  /** Any character; includes line feeds unless the flag is turned off by `(?-s)`. */
  | { readonly kind: 'any'; readonly lineFeeds: boolean }
  | { readonly kind: 'assertion'; readonly assertion: Assertion }
  | { readonly kind: 'concat'; readonly parts: readonly RegexNode[] }
  | { readonly kind: 'alternate'; readonly parts: readonly RegexNode[] }
  | {
      readonly kind: 'repeat';
      readonly node: RegexNode;
      readonly min: number;
      readonly max: number;
      /** As few repetitions as possible. Matters only for what the groups match. */
      readonly isLazy?: boolean;
    }
  /** Only if the groups are asked for; they count from 1. */
  | { readonly kind: 'group'; readonly node: RegexNode; readonly index: number; readonly name: string | undefined };

/** A set of characters: the union of its parts, or with `isNegated` all other characters. */
export interface CharacterClass {
  readonly kind: 'class';
  readonly parts: readonly ClassPart[];
  readonly isNegated: boolean;
  /** Whether each part includes the other cases of its characters. RE2 adds these before it negates. */
  readonly fold: boolean;
  /** The characters, if they are few and case matters. */
  readonly characters?: readonly string[];
}

/** Characters as the inside of a JavaScript class with the flag u; with `isNegated`, all other characters. */
export interface ClassPart {
  readonly source: string;
  readonly isNegated: boolean;
}

/** An error in a regular expression, with its offset in the text. */
export class RegexSyntaxError extends Error {
  override readonly name = 'RegexSyntaxError';
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

interface Flags {
  readonly ignoreCase: boolean;
  readonly dotAll: boolean;
  readonly multiline: boolean;
}

const REPEAT_MAX = 1000;
/** How many characters the flags of a group and the name of a group may have. */
const FLAGS_LENGTH_MAX = 64;
const GROUP_NAME_MAX = 1000;
const DEPTH_MAX = 200;
const LISTED_CHARACTERS_MAX = 64;
/** Characters that stand for themselves, as they are or after a backslash, and are not repeated. */
const plainPattern =
  /(?:(?:[^\\.^$|()[\]{}?*+\ud800-\udbff]|[\ud800-\udbff][\udc00-\udfff]|\\[\0-/:-@[-`{-\x7f])(?![?*+{]))+/y;
/** Characters outside such text. They take time: each becomes a node, or a part of one. */
const SPECIAL_MAX = 20_000;

/**
 * Parses a regular expression. Throws {@link RegexSyntaxError}. With `groups`, the tree has a node for each capturing
 * group, and knows which repetitions are lazy.
 */
export const parseRegex = (text: string, options: { readonly groups?: boolean } = {}): RegexNode =>
  new RegexParser(text, options.groups === true).parse();

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
  private flags: Flags = { ignoreCase: false, dotAll: true, multiline: false };
  private readonly keepsGroups: boolean;
  private groupCount = 0;
  /** Characters of plain text before the offset. */
  private plainCharacters = 0;

  constructor(text: string, keepsGroups: boolean) {
    this.text = text;
    this.keepsGroups = keepsGroups;
  }

  parse(): RegexNode {
    const tree = this.alternation();
    if (this.offset < this.text.length) this.fail('unmatched )');
    return tree;
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
    /** Offset of the previous repetition operator, if it came immediately before; a second one is an error. */
    let repetition: number | undefined;
    while (this.offset < this.text.length && !this.at('|') && !this.at(')')) {
      const start = this.offset;
      const bounds = this.repeatBounds();
      if (bounds === undefined) {
        repetition = undefined;
        this.element(parts);
        continue;
      }
      const node = parts.pop();
      if (node === undefined) this.fail(`nothing to repeat before ${this.text[start]}`, start);
      if (repetition !== undefined) {
        this.fail(`repeated repetition ${this.text.slice(repetition, this.offset)}`, start);
      }
      // Whether a whole text matches does not depend on lazy or greedy repetition.
      const isLazy = this.take('?') && this.keepsGroups;
      parts.push({ kind: 'repeat', node, min: bounds[0], max: bounds[1], ...(isLazy ? { isLazy } : {}) });
      repetition = start;
    }
    return parts.length === 1 ? parts[0] : { kind: 'concat', parts };
  }

  /** An element that a repetition may follow. Flags add no part. */
  private element(parts: RegexNode[]): void {
    if (this.take('\\Q')) this.quoted(parts);
    else if (this.offset - this.plainCharacters > SPECIAL_MAX)
      this.fail(`it has more than ${SPECIAL_MAX} characters besides plain text`);
    else if (!this.takeFlags()) parts.push(this.plain() ?? this.atom());
  }

  /** Characters that stand for themselves. A character that may be repeated is left to `atom`. */
  private plain(): RegexNode | undefined {
    const { text, offset } = this;
    plainPattern.lastIndex = offset;
    if (!plainPattern.test(text)) return undefined;
    this.offset = plainPattern.lastIndex;
    this.plainCharacters += this.offset - offset;
    const written = text.slice(offset, this.offset);
    return this.literal(written.includes('\\') ? written.replace(/\\(.)/gs, '$1') : written);
  }

  /**
   * `\Q` to `\E`, or `\Q` up to the end. Each character is a part of its own: a repetition after `\E` repeats the last one.
   */
  private quoted(parts: RegexNode[]): void {
    const found = this.text.indexOf('\\E', this.offset);
    const end = found < 0 ? this.text.length : found;
    for (const character of this.text.slice(this.offset, end)) parts.push(this.literal(character));
    this.offset = found < 0 ? end : end + 2;
  }

  private literal(text: string): RegexNode {
    return this.flags.ignoreCase ? { kind: 'literal', text, fold: true } : { kind: 'literal', text };
  }

  private repeatBounds(): readonly [number, number] | undefined {
    if (this.take('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.take('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.take('?')) return [0, 1];
    if (!this.at('{')) return undefined;
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
        return { kind: 'any', lineFeeds: this.flags.dotAll };
      case '^':
        return { kind: 'assertion', assertion: this.flags.multiline ? 'lineStart' : 'textStart' };
      case '$':
        return { kind: 'assertion', assertion: this.flags.multiline ? 'lineEnd' : 'textEnd' };
      case '(':
        return this.group(start);
      case '[':
        return this.characterClass(start);
      case '\\':
        return this.escape(start);
      default:
        return this.literal(character);
    }
  }

  /** `(?is-m)`: sets flags from here to the end of the group. */
  private takeFlags(): boolean {
    if (!this.at('(?')) return false;
    const match = /^\(\?([imsU]*)(?:-([imsU]+))?\)/.exec(this.text.slice(this.offset, this.offset + FLAGS_LENGTH_MAX));
    if (match === null) return false;
    this.setFlags(match[1], match[2] ?? '');
    this.offset += match[0].length;
    return true;
  }

  private setFlags(on: string, off: string): void {
    const { ignoreCase, dotAll, multiline } = this.flags;
    const flag = (letter: string, before: boolean): boolean => !off.includes(letter) && (on.includes(letter) || before);
    this.flags = { ignoreCase: flag('i', ignoreCase), dotAll: flag('s', dotAll), multiline: flag('m', multiline) };
  }

  private group(start: number): RegexNode {
    const { flags } = this;
    const name = this.take('?') ? this.groupKind(start) : undefined;
    const index = name === null ? 0 : ++this.groupCount;
    const inner = this.alternation();
    if (!this.take(')')) this.fail('missing )', start);
    this.flags = flags;
    return name === null || !this.keepsGroups ? inner : { kind: 'group', node: inner, index, name };
  }

  /** Reads the text between `(?` and the group's expression. Returns the group's name; `null` if it does not capture. */
  private groupKind(start: number): string | null {
    const rest = this.text.slice(this.offset, this.offset + GROUP_NAME_MAX);
    const named = /^P?<(\w+)>/.exec(rest);
    const flagged = named === null ? /^([imsU]*)(?:-([imsU]+))?:/.exec(rest) : null;
    if (named === null && flagged === null) this.failGroup(start);
    if (flagged !== null) this.setFlags(flagged[1], flagged[2] ?? '');
    this.offset += (named ?? flagged)?.[0].length ?? 0;
    return named === null ? null : named[1];
  }

  private failGroup(start: number): never {
    const opening = this.text.slice(start, start + 4);
    if (/^\(\?(?:[=!]|<[=!])/.test(opening)) this.fail('look-ahead and look-behind are not supported', start);
    this.fail(`unknown kind of group ${opening}`, start);
  }

  private escape(start: number): RegexNode {
    const character = this.next('an escape');
    if (assertionEscapes[character] !== undefined) {
      return { kind: 'assertion', assertion: assertionEscapes[character] };
    }
    const set = this.classEscape(character, start);
    if (set !== undefined) return this.classOf([set], false);
    return this.literal(this.characterEscape(character, start));
  }

  private classOf(parts: readonly ClassPart[], isNegated: boolean): CharacterClass {
    return { kind: 'class', parts, isNegated, fold: this.flags.ignoreCase };
  }

  /** `\d`, `\pL` and the like; `undefined` for other escapes. */
  private classEscape(character: string, start: number): ClassPart | undefined {
    const perl = perlClasses[character.toLowerCase()];
    if (perl !== undefined) return { source: perl, isNegated: character !== character.toLowerCase() };
    if (character !== 'p' && character !== 'P') return undefined;
    const match = /^(?:([A-Z])|\{(\^?)([A-Za-z_]+)\})/.exec(this.text.slice(this.offset, this.offset + 64));
    const source = match === null ? undefined : propertySource(match[1] ?? match[3]);
    if (match === null || source === undefined) return this.fail('unknown character property', start);
    this.offset += match[0].length;
    return { source, isNegated: (character === 'P') !== (match[2] === '^') };
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
    if (/[A-Za-z]|[^\0-\x7f]/.test(character)) this.fail(`unknown escape \\${character}`, start);
    return character;
  }

  private codePoint(code: number, start: number): string {
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) this.fail('no such character', start);
    return String.fromCodePoint(code);
  }

  private characterClass(start: number): RegexNode {
    const isNegated = this.take('^');
    const parts: ClassPart[] = [];
    let source = '';
    let characters: string[] | undefined = isNegated || this.flags.ignoreCase ? undefined : [];
    for (let isFirst = true; isFirst || !this.at(']'); isFirst = false) {
      if (this.offset >= this.text.length) this.fail('missing ]', start);
      const part = this.classPart();
      if (part !== undefined) {
        parts.push(part);
        characters = undefined;
        continue;
      }
      const from = this.classCharacter(start);
      const to = this.rangeEnd(start) ?? from;
      if (to.codePointAt(0)! < from.codePointAt(0)!) this.fail(`range ${from}-${to} is the wrong way round`);
      source += from === to ? escapeInClass(from) : `${escapeInClass(from)}-${escapeInClass(to)}`;
      characters = listed(characters, from, to);
    }
    this.offset++;
    if (source !== '') parts.push({ source, isNegated: false });
    const node = this.classOf(parts, isNegated);
    return characters === undefined ? node : { ...node, characters };
  }

  /** `[:alpha:]`, `\d`, `\pL` inside a class. */
  private classPart(): ClassPart | undefined {
    const start = this.offset;
    const end = this.at('[:') ? this.text.indexOf(':]', start + 2) : -1;
    if (end >= 0) {
      const [, caret, name] = /^(\^?)(.*)$/s.exec(this.text.slice(start + 2, end)) ?? [];
      if (!Object.hasOwn(posixClasses, name))
        this.fail(`unknown class ${this.text.slice(start, end + 2).slice(0, 50)}`);
      this.offset = end + 2;
      return { source: posixClasses[name], isNegated: caret === '^' };
    }
    if (!this.take('\\')) return undefined;
    const part = this.classEscape(this.next('an escape'), start);
    if (part === undefined) this.offset = start;
    return part;
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

/** The characters so far and those of a range, or `undefined` if they are too many to list. */
const listed = (characters: string[] | undefined, from: string, to: string): string[] | undefined => {
  const first = from.codePointAt(0)!;
  const last = to.codePointAt(0)!;
  if (characters === undefined || characters.length + last - first >= LISTED_CHARACTERS_MAX) return undefined;
  for (let code = first; code <= last; code++) characters.push(String.fromCodePoint(code));
  return characters;
};

/** A character, escaped for the inside of a JavaScript class. */
const escapeInClass = (character: string): string => `\\u{${character.codePointAt(0)!.toString(16)}}`;
