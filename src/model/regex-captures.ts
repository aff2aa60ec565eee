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
}

/** Compiles a regular expression with groups. Throws `RegexSyntaxError`. */
export const compileCapturing = (text: string): CapturingRegex => {
  const tree = parseRegex(text, { groups: true });
  const names = new Map<string, number>();
  const groupCount = collectGroups(tree, names);
  const program = compileProgram(tree);
  return { names, match: (value) => matchGroups(program, groupCount, value) };
};

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

const matchGroups = (program: RegexProgram, groupCount: number, text: string): readonly string[] | undefined => {
  const { operations, next, operand, predicates, literals } = program;
  const characters = [...text];
  const end = characters.length;
  const tried = new Uint8Array(operations.length * (end + 1));
  /** Where each group begins and ends: places in `characters`. */
  const slots = new Int32Array(2 * groupCount + 2).fill(-1);
  const waiting: Attempt[] = [{ instruction: program.start, place: 0 }];
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
        if (place === end) return textsOf(characters, text, slots, groupCount);
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
  return undefined;
};

const admits = (
  wanted: number,
  character: string,
  predicates: RegexProgram['predicates'],
  literals: RegexProgram['literals'],
): boolean => (wanted < 0 ? literals.get(character) === ~wanted : predicates[wanted](character));

const textsOf = (
  characters: readonly string[],
  text: string,
  slots: Int32Array,
  groupCount: number,
): readonly string[] => {
  const texts = [text];
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
