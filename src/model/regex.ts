/**
 * Compiled regular expressions of matchers. They always match against the whole value, like `^(?:…)$`. A compiled
 * expression also has what an index can use: the literal texts if only a few can match (`a|b|c`, `node-[0-4]`), and the
 * literal prefix of every match.
 */
import { RegexAutomaton } from './regex-automaton.ts';
import { compileProgram, programSize } from './regex-program.ts';
import { parseRegex, type RegexNode, RegexSyntaxError } from './regex-syntax.ts';

export interface CompiledRegex {
  readonly matches: (value: string) => boolean;
  readonly matchesEmpty: boolean;
  /** Instructions of the automaton, which is made by the first call of `matches`; 0 if there is none. */
  readonly size: number;
  /** All matching texts, each once, if they are few. */
  readonly literals?: readonly string[];
  /** The prefix of every matching text; empty if unknown. */
  readonly prefix: string;
}

/** How many literal texts are listed at most. */
const LISTED_MAX = 4096;
/** How many literal texts are compared without an automaton, and how many characters they may have together. */
const LITERALS_MAX = 1 << 16;
const LITERAL_CHARACTERS_MAX = 1 << 20;
/** The maximum length of a regular expression, in characters. */
const REGEX_LENGTH_MAX = 256 * 1024;

/** Compiles a regular expression. Throws {@link RegexSyntaxError}. */
export const compileRegex = (text: string): CompiledRegex => {
  if (text.length > REGEX_LENGTH_MAX) {
    throw new RegexSyntaxError(`it is longer than ${REGEX_LENGTH_MAX} characters`, REGEX_LENGTH_MAX);
  }
  const tree = parseRegex(text);
  const literals = literalsOf(tree);
  if (literals !== undefined) {
    const set = new Set(literals);
    const listed = set.size <= LISTED_MAX ? { literals: [...set] } : {};
    return { matches: (value) => set.has(value), matchesEmpty: set.has(''), size: 0, ...listed, prefix: '' };
  }
  const prefix = prefixOf(tree);
  const matchesEmpty = matchesNothing(tree);
  if (isPrefixOnly(tree)) return { matches: (value) => value.startsWith(prefix), matchesEmpty, size: 0, prefix };
  return { matches: matcherOf(tree, prefix), matchesEmpty, size: programSize(tree), prefix };
};

const matcherOf = (tree: RegexNode, prefix: string): ((value: string) => boolean) => {
  let automaton: RegexAutomaton | undefined;
  return (value) => {
    if (!value.startsWith(prefix)) return false;
    automaton ??= new RegexAutomaton(compileProgram(tree));
    return automaton.matches(value);
  };
};

/** Whether the tree matches the empty text. */
const matchesNothing = (node: RegexNode): boolean => {
  switch (node.kind) {
    case 'literal':
      return node.text === '';
    case 'assertion':
      return node.assertion !== 'wordBoundary';
    case 'concat':
      return node.parts.every(matchesNothing);
    case 'alternate':
      return node.parts.some(matchesNothing);
    case 'repeat':
      return node.min === 0 || matchesNothing(node.node);
    case 'group':
      return matchesNothing(node.node);
    default:
      return false;
  }
};

/** All texts that the tree matches, or `undefined` if they are too many or not literal. */
const literalsOf = (node: RegexNode): readonly string[] | undefined => {
  switch (node.kind) {
    case 'literal':
      return node.fold === true ? undefined : [node.text];
    case 'class':
      return node.characters;
    case 'concat':
      return product(node.parts);
    case 'alternate':
      return union(node.parts);
    case 'repeat':
      if (node.min === 0 && node.max === 1) return union([node.node, EMPTY]);
      return undefined;
    default:
      return undefined;
  }
};

const EMPTY: RegexNode = { kind: 'literal', text: '' };

const union = (parts: readonly RegexNode[]): readonly string[] | undefined => {
  const texts: string[] = [];
  for (const part of parts) {
    const more = literalsOf(part);
    if (more === undefined || texts.length + more.length > LITERALS_MAX) return undefined;
    texts.push(...more);
  }
  return texts;
};

const product = (parts: readonly RegexNode[]): readonly string[] | undefined => {
  let texts: readonly string[] = [''];
  for (const part of parts) {
    const endings = literalsOf(part);
    if (endings === undefined || texts.length * endings.length > LITERALS_MAX) return undefined;
    if (texts.length * texts[0].length > LITERAL_CHARACTERS_MAX) return undefined;
    texts = texts.flatMap((text) => endings.map((ending) => text + ending));
  }
  return texts;
};

/** The literal prefix of every match. */
const prefixOf = (node: RegexNode): string => {
  if (node.kind === 'literal') return node.fold === true ? '' : node.text;
  if (node.kind !== 'concat') return '';
  let prefix = '';
  for (const part of node.parts) {
    if (part.kind !== 'literal' || part.fold === true) return prefix + prefixOf(part);
    prefix += part.text;
  }
  return prefix;
};

/** Whether the tree is literal text followed by `.*`. */
const isPrefixOnly = (node: RegexNode): boolean => {
  const parts = node.kind === 'concat' ? node.parts : [node];
  const last = parts.at(-1);
  if (last?.kind !== 'repeat' || last.min !== 0 || Number.isFinite(last.max)) return false;
  if (last.node.kind !== 'any' || !last.node.lineFeeds) return false;
  return parts.slice(0, -1).every((part) => part.kind === 'literal' && part.fold !== true);
};
