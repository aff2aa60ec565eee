/**
 * Matches a regular expression against a whole text and tells what its groups matched. The alternatives are tried in the
 * order of the expression, as Go does. A pair of instruction and place that has failed is not tried a second time, so the
 * time is bounded by the length of the program times that of the text.
 */
import { ASSERT, assertions, compileProgram, MATCH, type RegexProgram, SAVE, TAKE } from './regex-program.ts';
import { parseRegex, type RegexNode } from './regex-syntax.ts';

export interface CapturingRegex {
  /** The index of each named group. */
  readonly names: ReadonlyMap<string, number>;
  /** The whole text, then the text of each group, empty if the group did not take part; `undefined` without a match. */
  readonly match: (text: string) => readonly string[] | undefined;
  /** The first part of the text, not before the character `from`, that the expression matches. */
  readonly search: (text: string, from: number) => Found | undefined;
}

/** A part of a text; places count characters, not UTF-16 units. */
export interface Found {
  readonly start: number;
  readonly end: number;
  /** The matched part, then the text of each group. */
  readonly texts: readonly string[];
}

/** Compiles a regular expression with groups. Throws `RegexSyntaxError`. */
export const compileCapturing = (text: string): CapturingRegex => {
  const tree = parseRegex(text, { groups: true });
  const names = new Map<string, number>();
  const groupCount = collectGroups(tree, names);
  const program = compileProgram(tree);
  return {
    names,
    match: (value) => matchGroups(program, groupCount, [...value], { from: 0, isWhole: true })?.texts,
    search: (value, from) => matchGroups(program, groupCount, [...value], { from, isWhole: false }),
  };
};

/** A replacement with `$1`, `${1}`, `$name` and `$$` filled in, as Go's `Expand` does. */
export const expandGroups = (replacement: string, names: CapturingRegex['names'], texts: readonly string[]): string =>
  replacement.replace(/\$(?:\$|([\p{L}\p{N}_]+)|\{([\p{L}\p{N}_]+)\})/gu, (all, bare, braced) => {
    if (all === '$$') return '$';
    const name = (bare ?? braced) as string;
    const index = /^\d+$/.test(name) ? Number(name) : (names.get(name) ?? -1);
    return texts[index] ?? '';
  });

/** Writes down the names of the groups. Returns how many groups there are. */
const collectGroups = (node: RegexNode, names: Map<string, number>): number => {
  switch (node.kind) {
    case 'group': {
      if (node.name !== undefined && !names.has(node.name)) names.set(node.name, node.index);
      return 1 + collectGroups(node.node, names);
    }
    case 'repeat':
      return collectGroups(node.node, names);
    case 'concat':
    case 'alternate':
      return node.parts.reduce((count, part) => count + collectGroups(part, names), 0);
    default:
      return 0;
  }
};

/** What is still to be tried: an instruction at a place. A negative instruction restores a slot instead. */
interface Attempt {
  readonly instruction: number;
  readonly place: number;
}

const matchGroups = (
  program: RegexProgram,
  groupCount: number,
  characters: readonly string[],
  { from, isWhole }: { readonly from: number; readonly isWhole: boolean },
): Found | undefined => {
  // What has failed from an earlier start fails from a later one too, so the places are remembered for all starts.
  const tried = new Uint8Array(program.operations.length * (characters.length + 1));
  const lastStart = isWhole ? from : characters.length;
  for (let start = from; start <= lastStart; start++) {
    /** Where each group begins and ends: places in `characters`. */
    const slots = new Int32Array(2 * groupCount + 2).fill(-1);
    const end = matchFrom(program, characters, { start, isWhole, tried, slots });
    if (end >= 0) return { start, end, texts: textsOf(characters, start, end, slots, groupCount) };
  }
  return undefined;
};

/** The place where the match from `start` ends; -1 if there is none. */
const matchFrom = (
  { operations, next, operand, predicates, literals, start: first }: RegexProgram,
  characters: readonly string[],
  {
    start,
    isWhole,
    tried,
    slots,
  }: { readonly start: number; readonly isWhole: boolean; readonly tried: Uint8Array; readonly slots: Int32Array },
): number => {
  const end = characters.length;
  const waiting: Attempt[] = [{ instruction: first, place: start }];
  for (let attempt = waiting.pop(); attempt !== undefined; attempt = waiting.pop()) {
    if (attempt.instruction < 0) {
      slots[~attempt.instruction] = attempt.place;
      continue;
    }
    let { instruction, place } = attempt;
    for (;;) {
      const key = instruction * (end + 1) + place;
      if (tried[key] === 1) break;
      tried[key] = 1;
      const operation = operations[instruction];
      if (operation === MATCH) {
        if (!isWhole || place === end) return place;
        break;
      }
      if (operation === TAKE) {
        if (place === end || !admits(operand[instruction], characters[place], predicates, literals)) break;
        place++;
      } else if (operation === ASSERT) {
        if (!holdsAt(assertions[operand[instruction]], characters, place)) break;
      } else if (operation === SAVE) {
        const slot = operand[instruction];
        waiting.push({ instruction: ~slot, place: slots[slot] });
        slots[slot] = place;
      } else {
        waiting.push({ instruction: operand[instruction], place });
      }
      instruction = next[instruction];
    }
  }
  return -1;
};

const admits = (
  wanted: number,
  character: string,
  predicates: RegexProgram['predicates'],
  literals: RegexProgram['literals'],
): boolean => (wanted < 0 ? literals.get(character) === ~wanted : predicates[wanted](character));

const textsOf = (
  characters: readonly string[],
  from: number,
  through: number,
  slots: Int32Array,
  groupCount: number,
): readonly string[] => {
  const texts = [characters.slice(from, through).join('')];
  for (let group = 1; group <= groupCount; group++) {
    const start = slots[2 * group];
    const end = slots[2 * group + 1];
    texts.push(start >= 0 && end >= start ? characters.slice(start, end).join('') : '');
  }
  return texts;
};

const wordCharacter = /^[0-9A-Za-z_]$/;

const holdsAt = (assertion: string, characters: readonly string[], place: number): boolean => {
  const before = characters[place - 1];
  const after = characters[place];
  switch (assertion) {
    case 'textStart':
      return before === undefined;
    case 'textEnd':
      return after === undefined;
    case 'lineStart':
      return before === undefined || before === '\n';
    case 'lineEnd':
      return after === undefined || after === '\n';
    default: {
      const isBoundary = isWord(before) !== isWord(after);
      return assertion === 'wordBoundary' ? isBoundary : !isBoundary;
    }
  }
};

const isWord = (character: string | undefined): boolean => character !== undefined && wordCharacter.test(character);
