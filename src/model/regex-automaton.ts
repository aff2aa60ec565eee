/**
 * Runs a regular expression over text. The time grows linearly with the text's length, so no expression can make a
 * query hang. In a backtracking engine, `(a+)+b` can. All alternatives are followed at once: a state of the automaton
 * is the set of instructions that may come next. States and their transitions are created when they are first needed,
 * and kept. When there are too many, all are discarded and created again as needed.
 *
 * An assertion depends on the characters on both sides of a place. So a state holds its instructions with assertions
 * still undecided, and the kind of the last character. The next character, or the end of the text, decides the
 * assertions.
 */
import { ASSERT, assertions, MATCH, type RegexProgram, TAKE } from './regex-program.ts';

/** Kinds of neighbours of a place in the text: the text's edge, or a character of some kind. */
const EDGE = 0;
const WORD = 1;
const LINE_FEED = 2;
const OTHER = 3;

const ASCII_COUNT = 128;
const UNKNOWN = -1;

/** Bounds: transitions (other allocations are counted as transitions), and non-ASCII characters with a known class. */
const TRANSITIONS_MAX = 1 << 18;
const CHARACTERS_MAX = 4096;

interface CharacterClass {
  readonly kind: number;
  /** Number of the character if the program names it, {@link UNKNOWN} otherwise. */
  readonly literal: number;
  /** For each predicate of the program, whether it admits the characters. */
  readonly admits: readonly boolean[];
}

interface State {
  readonly instructions: readonly number[];
  /** Kind of the last character. */
  readonly kind: number;
  /** The next state for each class of characters; `undefined` if it was not needed yet. */
  readonly transitions: (State | undefined)[];
  accepts: boolean | undefined;
}

export class RegexAutomaton {
  private readonly program: RegexProgram;
  private readonly heedsWords: boolean;
  private readonly heedsLines: boolean;
  private readonly heedsStart: boolean;
  /** Classes: characters that the program treats alike. */
  private classes: CharacterClass[] = [];
  private classIndices = new Map<string, number>();
  private readonly asciiClasses = new Int32Array(ASCII_COUNT).fill(UNKNOWN);
  private readonly otherClasses = new Map<number, number>();
  private start!: State;
  private states = new Map<string, State>();
  private transitionCount = 0;
  /** Marks of the instructions visited in the current search. */
  private readonly marks: Int32Array;
  private mark = 0;

  constructor(program: RegexProgram) {
    const asserts = new Set<string>();
    for (let i = 0; i < program.operations.length; i++) {
      if (program.operations[i] === ASSERT) asserts.add(assertions[program.operand[i]]);
    }
    this.program = program;
    this.heedsWords = asserts.has('wordBoundary') || asserts.has('noWordBoundary');
    this.heedsLines = asserts.has('lineStart');
    this.heedsStart = this.heedsLines || this.heedsWords || asserts.has('textStart');
    this.marks = new Int32Array(program.operations.length);
    this.reset();
  }

  /** Whether the whole text matches. */
  matches(text: string): boolean {
    let state = this.start;
    for (let i = 0; i < text.length; i++) {
      let code = text.charCodeAt(i);
      if (code >= 0xd800 && code < 0xdc00) code = text.codePointAt(i++) ?? code;
      const characterClass = this.classOf(code);
      state = state.transitions[characterClass] ?? this.makeTransition(state, characterClass);
      if (state.instructions.length === 0) return false;
    }
    return this.accepts(state);
  }

  private accepts(state: State): boolean {
    if (state.accepts === undefined) {
      const reached = this.reach(state, EDGE);
      state.accepts = reached.some((instruction) => this.program.operations[instruction] === MATCH);
    }
    return state.accepts;
  }

  private makeTransition(state: State, characterClass: number): State {
    const { kind, literal, admits } = this.classes[characterClass];
    const { operations, operand, next } = this.program;
    const following = new Set<number>();
    for (const instruction of this.reach(state, kind)) {
      if (operations[instruction] !== TAKE) continue;
      const wanted = operand[instruction];
      if (wanted < 0 ? ~wanted === literal : admits[wanted]) following.add(next[instruction]);
    }
    if (this.transitionCount >= TRANSITIONS_MAX) {
      this.reset();
      return this.stateOf([...following], kind);
    }
    const to = this.stateOf([...following], kind);
    while (state.transitions.length < characterClass) state.transitions.push(undefined);
    state.transitions[characterClass] = to;
    this.transitionCount++;
    return to;
  }

  /** All instructions that can be reached without taking a character, if the next character is of the given kind. */
  private reach(state: State, nextKind: number): number[] {
    const { operations, next, operand } = this.program;
    const reached: number[] = [];
    const waiting = [...state.instructions];
    this.mark++;
    for (let instruction = waiting.pop(); instruction !== undefined; instruction = waiting.pop()) {
      if (this.marks[instruction] === this.mark) continue;
      this.marks[instruction] = this.mark;
      const operation = operations[instruction];
      if (operation === TAKE || operation === MATCH) {
        reached.push(instruction);
      } else if (operation === ASSERT) {
        if (holds(operand[instruction], state.kind, nextKind)) waiting.push(next[instruction]);
      } else {
        waiting.push(next[instruction], operand[instruction]);
      }
    }
    return reached;
  }

  private stateOf(instructions: number[], kind: number): State {
    instructions.sort((a, b) => a - b);
    const heeded = this.heededKind(kind);
    const key = `${heeded} ${instructions.join(' ')}`;
    const known = this.states.get(key);
    if (known !== undefined) return known;
    const state: State = { instructions, kind: heeded, transitions: [], accepts: undefined };
    this.states.set(key, state);
    // A state takes as much memory as a few transitions, plus its instructions.
    this.transitionCount += 8 + instructions.length;
    return state;
  }

  /** Kinds that no assertion of the program tells apart are merged, so that there are fewer states. */
  private heededKind(kind: number): number {
    if (kind === EDGE) return this.heedsStart ? EDGE : OTHER;
    if (kind === WORD) return this.heedsWords ? WORD : OTHER;
    return this.heedsLines ? kind : OTHER;
  }

  private classOf(code: number): number {
    if (code < ASCII_COUNT) {
      const known = this.asciiClasses[code];
      if (known !== UNKNOWN) return known;
      this.asciiClasses[code] = this.findClass(code);
      return this.asciiClasses[code];
    }
    let known = this.otherClasses.get(code);
    if (known === undefined) {
      if (this.otherClasses.size >= CHARACTERS_MAX) this.otherClasses.clear();
      known = this.findClass(code);
      this.otherClasses.set(code, known);
    }
    return known;
  }

  private findClass(code: number): number {
    const character = String.fromCodePoint(code);
    const { predicates, literals } = this.program;
    const kind = kindOf(code);
    const literal = literals.get(character) ?? UNKNOWN;
    const admits = predicates.map((predicate) => predicate(character));
    const signature = `${kind} ${literal} ${admits.map(Number).join('')}`;
    const known = this.classIndices.get(signature);
    if (known !== undefined) return known;
    this.classIndices.set(signature, this.classes.length);
    this.transitionCount += 1 + admits.length;
    return this.classes.push({ kind, literal, admits }) - 1;
  }

  /** Discards all states, transitions and classes. */
  private reset(): void {
    this.classes = [];
    this.classIndices = new Map();
    this.asciiClasses.fill(UNKNOWN);
    this.otherClasses.clear();
    this.states = new Map();
    this.transitionCount = 0;
    this.start = this.stateOf([this.program.start], EDGE);
  }
}

const kindOf = (code: number): number => {
  if (code === 0x0a) return LINE_FEED;
  const isDigit = code >= 0x30 && code <= 0x39;
  const isLetter = (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
  return isDigit || isLetter || code === 0x5f ? WORD : OTHER;
};

const holds = (assertion: number, before: number, after: number): boolean => {
  switch (assertions[assertion]) {
    case 'textStart':
      return before === EDGE;
    case 'textEnd':
      return after === EDGE;
    case 'lineStart':
      return before === EDGE || before === LINE_FEED;
    case 'lineEnd':
      return after === EDGE || after === LINE_FEED;
    case 'wordBoundary':
      return (before === WORD) !== (after === WORD);
    default:
      return (before === WORD) === (after === WORD);
  }
};
