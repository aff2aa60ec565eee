/**
 * A regular expression as the program of a nondeterministic automaton, which regex-automaton.ts runs. An instruction
 * either takes a character that its predicate admits, or continues without taking a character: at two instructions
 * (SPLIT), or at one if an assertion holds (ASSERT). The program is about as long as the expression with its counted
 * repetitions written out.
 */
import { type Assertion, type CharacterClass, type RegexNode, RegexSyntaxError } from './regex-syntax.ts';

export const MATCH = 0;
export const TAKE = 1;
const SPLIT = 2;
export const ASSERT = 3;
/** Writes the place down; only in programs with groups. */
export const SAVE = 4;

export const assertions: readonly Assertion[] = [
  'textStart',
  'textEnd',
  'lineStart',
  'lineEnd',
  'wordBoundary',
  'noWordBoundary',
];

/** Whether a character, passed as a string, is admitted. */
export type Predicate = (character: string) => boolean;

/** Instruction i is `operations[i]`, with its operands in the other columns. */
export interface RegexProgram {
  readonly start: number;
  readonly operations: readonly number[];
  /** TAKE, ASSERT, SPLIT: the next instruction. */
  readonly next: readonly number[];
  /**
   * SPLIT: the other next instruction. ASSERT: index of the assertion. SAVE: where the place is written. TAKE: index of the predicate; if only one
   * character is admitted, the complement (`~number`) of its number in `literals`.
   */
  readonly operand: readonly number[];
  readonly predicates: readonly Predicate[];
  readonly literals: ReadonlyMap<string, number>;
}

/** The maximum number of instructions; only nested repetitions come near it. */
const INSTRUCTIONS_MAX = 100_000;

/** How many instructions the program of a tree has, without making it. Throws {@link RegexSyntaxError} if too many. */
export const programSize = (tree: RegexNode): number => {
  const size = 1 + sizeOf(tree);
  if (size > INSTRUCTIONS_MAX) throw new RegexSyntaxError('it repeats too much: written out it would be too long', 0);
  return size;
};

/** Throws {@link RegexSyntaxError} if the program would be too long. */
export const compileProgram = (tree: RegexNode): RegexProgram => {
  programSize(tree);
  return new Compiler().compile(tree);
};

/** Instructions of a node; may be infinite. */
const sizeOf = (node: RegexNode): number => {
  switch (node.kind) {
    case 'literal':
      return characterCount(node.text);
    case 'concat':
    case 'alternate': {
      let size = node.kind === 'concat' ? 0 : node.parts.length - 1;
      for (const part of node.parts) size += sizeOf(part);
      return size;
    }
    case 'repeat': {
      const body = sizeOf(node.node);
      const optional = node.max === Number.POSITIVE_INFINITY ? body + 1 : (node.max - node.min) * (body + 1);
      return optional + node.min * body;
    }
    case 'group':
      return 2 + sizeOf(node.node);
    default:
      return 1;
  }
};

const characterCount = (text: string): number => {
  let count = text.length;
  for (let i = 1; i < text.length; i++) {
    const isPair = (text.charCodeAt(i) & 0xfc00) === 0xdc00 && (text.charCodeAt(i - 1) & 0xfc00) === 0xd800;
    if (isPair) count--;
  }
  return count;
};

/** Emits instructions from the end to the beginning, so that each instruction's successor is already known. */
class Compiler {
  private readonly operations: number[] = [];
  private readonly next: number[] = [];
  private readonly operand: number[] = [];
  private readonly predicates: Predicate[] = [];
  private readonly predicateIndices = new Map<string, number>();
  private readonly literals = new Map<string, number>();
  private anyIndex = -1;
  private anyInLineIndex = -1;

  compile(tree: RegexNode): RegexProgram {
    const match = this.emit(MATCH, 0, 0);
    const start = this.node(tree, match);
    const { operations, next, operand, predicates, literals } = this;
    return { start, operations, next, operand, predicates, literals };
  }

  /** Emits a node that continues at instruction `next`; returns the node's first instruction. */
  private node(node: RegexNode, next: number): number {
    switch (node.kind) {
      case 'literal':
        return this.literal(node.text, node.fold === true, next);
      case 'class':
        return this.emit(TAKE, next, this.classPredicate(node));
      case 'any':
        return this.emit(TAKE, next, this.anyPredicate(node.lineFeeds));
      case 'assertion':
        return this.emit(ASSERT, next, assertions.indexOf(node.assertion));
      case 'concat':
        return node.parts.reduceRight((after, part) => this.node(part, after), next);
      case 'alternate':
        return node.parts
          .map((part) => this.node(part, next))
          .reduceRight((after, part) => this.emit(SPLIT, part, after));
      case 'repeat':
        return this.repeat(node.node, node.min, node.max, node.isLazy === true, next);
      case 'group': {
        const end = this.emit(SAVE, next, 2 * node.index + 1);
        return this.emit(SAVE, this.node(node.node, end), 2 * node.index);
      }
    }
  }

  private literal(text: string, fold: boolean, next: number): number {
    let after = next;
    for (let end = text.length; end > 0; ) {
      const isPair = end > 1 && (text.codePointAt(end - 2) ?? 0) > 0xffff;
      const start = end - (isPair ? 2 : 1);
      after = this.take(text.slice(start, end), fold, after);
      end = start;
    }
    return after;
  }

  /** A split tries its first instruction first: one more repetition, or with `isLazy` none. */
  private repeat(node: RegexNode, min: number, max: number, isLazy: boolean, next: number): number {
    let start = next;
    if (max === Number.POSITIVE_INFINITY) {
      start = this.emit(SPLIT, next, next);
      const body = this.node(node, start);
      if (isLazy) this.operand[start] = body;
      else this.next[start] = body;
    } else {
      for (let i = min; i < max; i++) {
        const body = this.node(node, start);
        start = isLazy ? this.emit(SPLIT, next, body) : this.emit(SPLIT, body, next);
      }
    }
    for (let i = 0; i < min; i++) start = this.node(node, start);
    return start;
  }

  private take(character: string, fold: boolean, next: number): number {
    if (!fold) return this.emit(TAKE, next, ~this.literalNumber(character));
    const source = `\\u{${character.codePointAt(0)?.toString(16)}}`;
    const parts = [{ source, isNegated: false }];
    return this.emit(TAKE, next, this.classPredicate({ kind: 'class', parts, isNegated: false, fold }));
  }

  private literalNumber(character: string): number {
    const known = this.literals.get(character) ?? this.literals.size;
    this.literals.set(character, known);
    return known;
  }

  private anyPredicate(lineFeeds: boolean): number {
    if (lineFeeds) {
      if (this.anyIndex < 0) this.anyIndex = this.predicates.push(() => true) - 1;
      return this.anyIndex;
    }
    if (this.anyInLineIndex < 0) this.anyInLineIndex = this.predicates.push((character) => character !== '\n') - 1;
    return this.anyInLineIndex;
  }

  private classPredicate(node: CharacterClass): number {
    const sources = node.parts.map(({ source, isNegated }) => `${isNegated ? '^' : ''}[${source}]`);
    const key = `${node.fold ? 'i' : ''}${node.isNegated ? '^' : ''}${sources.join('')}`;
    const known = this.predicateIndices.get(key);
    if (known !== undefined) return known;
    const index = this.predicates.push(predicateOfClass(node)) - 1;
    this.predicateIndices.set(key, index);
    return index;
  }

  private emit(operation: number, next: number, operand: number): number {
    this.next.push(next);
    this.operand.push(operand);
    return this.operations.push(operation) - 1;
  }
}

/**
 * JavaScript's regular expressions decide about single characters, because they support the properties and cases of all
 * scripts. They are used only for sets that are not negated. Negation with the flag i differs from RE2: `[^k]` does not
 * match K, but `\P{Lu}` matches every letter.
 */
const predicateOfClass = ({ parts, isNegated, fold }: CharacterClass): Predicate => {
  const flags = fold ? 'iu' : 'u';
  const tests = parts.map((part) => ({ pattern: new RegExp(`^[${part.source}]$`, flags), has: !part.isNegated }));
  return (character) => tests.some(({ pattern, has }) => pattern.test(character) === has) !== isNegated;
};
