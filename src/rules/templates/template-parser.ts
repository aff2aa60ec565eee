/** Parses a template. As in Go, an unknown function or variable is a mistake of the text, found before execution. */
import { TemplateError } from './template-error.ts';
import { lexTemplate, type Piece, type Token } from './template-lexer.ts';
import type { Command, Operand, ParsedTemplate, Pipe, TemplateList, TemplateNode } from './template-nodes.ts';

export interface ParseTemplateOptions {
  readonly functions: ReadonlySet<string>;
  /** Variables that exist at the beginning, such as `$labels`. */
  readonly variables: readonly string[];
}

const DEPTH_MAX = 100;

export const parseTemplate = (text: string, options: ParseTemplateOptions): ParsedTemplate =>
  new TemplateParser(lexTemplate(text), options).parse();

type Ending = 'end' | 'else' | 'eof';

class TemplateParser {
  private readonly pieces: readonly Piece[];
  private readonly functions: ReadonlySet<string>;
  private readonly defined = new Map<string, TemplateList>();
  /** Variables in scope, innermost last. */
  private variables: string[];
  private at = 0;
  private rangeDepth = 0;
  private depth = 0;
  /** Of the `else` that ended the last list: `if` or `with` and the tokens after it, if it is an `else if`. */
  private elseTokens: { readonly tokens: readonly Token[]; readonly line: number } | undefined;

  constructor(pieces: readonly Piece[], { functions, variables }: ParseTemplateOptions) {
    this.pieces = pieces;
    this.functions = functions;
    this.variables = ['$', ...variables];
  }

  parse(): ParsedTemplate {
    const { nodes, ending } = this.list();
    if (ending !== 'eof') throw new TemplateError(`unexpected {{${ending}}}`);
    return { root: nodes, defined: this.defined };
  }

  private list(): { readonly nodes: TemplateList; readonly ending: Ending } {
    const nodes: TemplateNode[] = [];
    if (++this.depth > DEPTH_MAX) throw new TemplateError(`nested more than ${DEPTH_MAX} levels deep`);
    while (this.at < this.pieces.length) {
      const piece = this.pieces[this.at++];
      if (piece.kind === 'text') {
        nodes.push(piece);
        continue;
      }
      const { tokens, line } = piece;
      const [first, ...rest] = tokens;
      const word = first?.kind === 'word' ? first.text : '';
      if (word === 'end' || word === 'else') {
        if (word === 'end' && rest.length > 0) throw new TemplateError(`line ${line}: unexpected text after end`);
        this.elseTokens = word === 'else' ? { tokens: rest, line } : undefined;
        this.depth--;
        return { nodes, ending: word };
      }
      const node = this.action(word, tokens, rest, line);
      if (node !== undefined) nodes.push(node);
    }
    this.depth--;
    return { nodes, ending: 'eof' };
  }

  private action(
    word: string,
    tokens: readonly Token[],
    rest: readonly Token[],
    line: number,
  ): TemplateNode | undefined {
    switch (word) {
      case 'if':
      case 'with':
      case 'range':
        return this.control(word, rest, line);
      case 'define':
        this.define(rest, line);
        return undefined;
      case 'block': {
        const [name] = rest;
        this.define(rest.slice(0, 1), line);
        return this.templateCall([name, ...rest.slice(1)], line);
      }
      case 'template':
        return this.templateCall(rest, line);
      case 'break':
      case 'continue':
        if (this.rangeDepth === 0) throw new TemplateError(`line ${line}: {{${word}}} outside {{range}}`);
        return { kind: word };
      default:
        return { kind: 'action', pipe: new PipeParser(tokens, line, this.functions, this.variables).whole() };
    }
  }

  private control(kind: 'if' | 'with' | 'range', tokens: readonly Token[], line: number): TemplateNode {
    const outer = this.variables;
    this.variables = [...outer];
    const pipe = new PipeParser(tokens, line, this.functions, this.variables, kind === 'range').whole();
    if (kind === 'range') this.rangeDepth++;
    const inPipe = this.variables;
    this.variables = [...inPipe];
    const { nodes: body, ending } = this.list();
    if (kind === 'range') this.rangeDepth--;
    this.variables = [...inPipe];
    const otherwise = ending === 'else' ? this.elseBody(kind, line) : [];
    if (ending === 'eof') throw new TemplateError(`line ${line}: {{${kind}}} without {{end}}`);
    this.variables = outer;
    return { kind, pipe, body, otherwise };
  }

  private elseBody(kind: 'if' | 'with' | 'range', line: number): TemplateList {
    const { tokens, line: elseLine } = this.elseTokens ?? { tokens: [], line };
    const [first] = tokens;
    if (first !== undefined) {
      const word = first.kind === 'word' ? first.text : '';
      if (kind === 'range' || word !== kind) throw new TemplateError(`line ${elseLine}: unexpected text after else`);
      return [this.control(kind, tokens.slice(1), elseLine)];
    }
    const { nodes, ending } = this.list();
    if (ending !== 'end') throw new TemplateError(`line ${elseLine}: expected {{end}} after {{else}}`);
    return nodes;
  }

  private define(tokens: readonly Token[], line: number): void {
    const [name] = tokens;
    if (tokens.length !== 1 || name.kind !== 'constant' || typeof name.value !== 'string') {
      throw new TemplateError(`line ${line}: a definition needs a name in quotes`);
    }
    const { variables, rangeDepth } = this;
    this.variables = ['$'];
    this.rangeDepth = 0;
    const { nodes, ending } = this.list();
    if (ending !== 'end') throw new TemplateError(`line ${line}: {{define}} without {{end}}`);
    this.variables = variables;
    this.rangeDepth = rangeDepth;
    this.defined.set(name.value, nodes);
  }

  private templateCall(tokens: readonly Token[], line: number): TemplateNode {
    const [name, ...rest] = tokens;
    if (name?.kind !== 'constant' || typeof name.value !== 'string') {
      throw new TemplateError(`line ${line}: {{template}} needs a name in quotes`);
    }
    const pipe = rest.length === 0 ? undefined : new PipeParser(rest, line, this.functions, this.variables).whole();
    return { kind: 'template', name: name.value, pipe };
  }
}

/** Parses what is between `{{` and `}}`. */
class PipeParser {
  private readonly tokens: readonly Token[];
  private readonly line: number;
  private readonly functions: ReadonlySet<string>;
  private readonly variables: string[];
  private readonly isRange: boolean;
  private at = 0;
  private depth = 0;

  constructor(
    tokens: readonly Token[],
    line: number,
    functions: ReadonlySet<string>,
    variables: string[],
    isRange = false,
  ) {
    this.tokens = tokens;
    this.line = line;
    this.functions = functions;
    this.variables = variables;
    this.isRange = isRange;
  }

  whole(): Pipe {
    const pipe = this.pipe();
    if (this.at < this.tokens.length) throw this.unexpected();
    return pipe;
  }

  private pipe(): Pipe {
    if (++this.depth > DEPTH_MAX) throw this.failure(`nested more than ${DEPTH_MAX} levels deep`);
    const { variables, isAssignment } = this.declarations();
    const commands: Command[] = [];
    do {
      commands.push(this.command(commands.length > 0));
    } while (this.takeMark('|'));
    // A variable exists only after the pipeline that gives its value.
    if (!isAssignment) this.variables.push(...variables);
    this.depth--;
    return { variables, isAssignment, commands };
  }

  private declarations(): Pick<Pipe, 'variables' | 'isAssignment'> {
    const none = { variables: [], isAssignment: false };
    const start = this.at;
    const names: string[] = [];
    for (;;) {
      const name = this.tokens[this.at];
      if (name?.kind !== 'variable') break;
      this.at++;
      names.push(name.text);
      if (names.length === 1 && this.isRange && this.takeMark(',')) continue;
      if (this.takeMark(':=')) return { variables: names, isAssignment: false };
      if (this.takeMark('=')) {
        for (const each of names) this.checkVariable(each);
        return { variables: names, isAssignment: true };
      }
      break;
    }
    this.at = start;
    return none;
  }

  private command(isPiped: boolean): Command {
    const operands: Operand[] = [];
    for (;;) {
      const next = this.tokens[this.at];
      if (next === undefined || (next.kind === 'mark' && (next.text === '|' || next.text === ')'))) break;
      if (operands.length > 0 && !next.spaced && next.kind !== 'mark') throw this.unexpected();
      operands.push(this.operand());
    }
    const [first] = operands;
    if (first === undefined) throw this.failure('missing value for command');
    const isCallable = first.kind === 'function' || first.kind === 'field';
    if (isPiped && (first.kind === 'constant' || first.kind === 'nil' || first.kind === 'dot')) {
      throw this.failure('a pipeline must go on with a function');
    }
    if (operands.length > 1 && !isCallable && (first.kind === 'constant' || first.kind === 'nil')) {
      throw this.failure('a constant takes no arguments');
    }
    return operands;
  }

  private operand(): Operand {
    const next = this.tokens[this.at++];
    switch (next.kind) {
      case 'constant':
        return { kind: 'constant', value: next.value };
      case 'field':
        return { kind: 'field', path: [next.text, ...this.path()] };
      case 'variable':
        this.checkVariable(next.text);
        return { kind: 'variable', name: next.text, path: this.path() };
      case 'word':
        if (next.text === 'nil') return { kind: 'nil' };
        if (!this.functions.has(next.text)) throw this.failure(`function ${JSON.stringify(next.text)} not defined`);
        return { kind: 'function', name: next.text };
      case 'mark': {
        if (next.text === '.') return { kind: 'dot' };
        if (next.text !== '(') break;
        const pipe = this.pipe();
        if (!this.takeMark(')')) throw this.failure('unclosed left parenthesis');
        return { kind: 'pipe', pipe, path: this.path() };
      }
    }
    this.at--;
    throw this.unexpected();
  }

  /** The fields that follow without a space: `.Labels.job`. */
  private path(): readonly string[] {
    const path: string[] = [];
    for (;;) {
      const next = this.tokens[this.at];
      if (next?.kind !== 'field' || next.spaced) return path;
      path.push(next.text);
      this.at++;
    }
  }

  private takeMark(text: string): boolean {
    const next = this.tokens[this.at];
    if (next?.kind !== 'mark' || next.text !== text) return false;
    this.at++;
    return true;
  }

  private checkVariable(name: string): void {
    if (!this.variables.includes(name)) throw this.failure(`undefined variable ${JSON.stringify(name)}`);
  }

  private unexpected(): TemplateError {
    const next = this.tokens[this.at];
    return this.failure(`unexpected ${JSON.stringify(next.kind === 'constant' ? String(next.value) : next.text)}`);
  }

  private failure(message: string): TemplateError {
    return new TemplateError(`line ${this.line}: ${message}`);
  }
}
