/** Executes a parsed template. Every expansion has a bound on its steps and on its text. */
import { TemplateError } from './template-error.ts';
import { callTemplateFunction, type TemplateSurroundings } from './template-functions.ts';
import type { Command, Operand, ParsedTemplate, Pipe, TemplateList, TemplateNode } from './template-nodes.ts';
import { fieldOf, isList, isMap, isTrue, type TemplateValue, textOfValue, typeNameOf } from './template-values.ts';

const STEPS_MAX = 100_000;
const TEXT_LENGTH_MAX = 1024 * 1024;
const DEPTH_MAX = 100;

export interface ExecuteTemplateOptions {
  readonly dot: TemplateValue;
  /** Values of the variables that exist at the beginning. */
  readonly variables: Readonly<Record<string, TemplateValue>>;
  readonly surroundings: TemplateSurroundings;
  /** Gives the thread to the event loop; called after some thousand steps. */
  readonly breathe?: (() => Promise<void>) | undefined;
}

/** The text of a template. Throws {@link TemplateError}. */
export const executeTemplate = async (template: ParsedTemplate, options: ExecuteTemplateOptions): Promise<string> => {
  const execution = new TemplateExecution(template, options);
  await execution.list(template.root, options.dot);
  return execution.text;
};

interface Variable {
  readonly name: string;
  value: TemplateValue;
}

type Signal = 'break' | 'continue' | undefined;

class TemplateExecution {
  text = '';
  private readonly template: ParsedTemplate;
  private readonly options: ExecuteTemplateOptions;
  private variables: Variable[];
  private steps = 0;
  private depth = 0;

  constructor(template: ParsedTemplate, options: ExecuteTemplateOptions) {
    this.template = template;
    this.options = options;
    const { dot, variables } = options;
    this.variables = Object.entries({ $: dot, ...variables }).map(([name, value]) => ({ name, value }));
  }

  async list(nodes: TemplateList, dot: TemplateValue): Promise<Signal> {
    const { length } = this.variables;
    for (const node of nodes) {
      const signal = await this.node(node, dot);
      if (signal !== undefined) {
        this.variables.length = length;
        return signal;
      }
    }
    this.variables.length = length;
    return undefined;
  }

  private async node(node: TemplateNode, dot: TemplateValue): Promise<Signal> {
    if (++this.steps > STEPS_MAX) throw new TemplateError(`more than ${STEPS_MAX} steps`);
    if (this.steps % 4096 === 0) await this.options.breathe?.();
    switch (node.kind) {
      case 'text':
        this.write(node.text);
        return undefined;
      case 'action': {
        const value = await this.pipe(node.pipe, dot);
        if (node.pipe.variables.length === 0) this.write(textOfValue(value));
        return undefined;
      }
      case 'if':
      case 'with': {
        const { length } = this.variables;
        const value = await this.pipe(node.pipe, dot);
        const inner = node.kind === 'with' && isTrue(value) ? value : dot;
        const signal = await this.list(isTrue(value) ? node.body : node.otherwise, inner);
        this.variables.length = length;
        return signal;
      }
      case 'range':
        return this.range(node, dot);
      case 'template':
        return this.call(node.name, node.pipe === undefined ? undefined : await this.pipe(node.pipe, dot));
      default:
        return node.kind;
    }
  }

  private write(text: string): void {
    this.text += text;
    if (this.text.length > TEXT_LENGTH_MAX)
      throw new TemplateError(`a text of more than ${TEXT_LENGTH_MAX} characters`);
  }

  private async range(
    { pipe, body, otherwise }: Extract<TemplateNode, { kind: 'range' }>,
    dot: TemplateValue,
  ): Promise<Signal> {
    const { length } = this.variables;
    const value = await this.pipe({ ...pipe, variables: [] }, dot);
    const entries = entriesOf(value);
    if (entries.length === 0) return this.list(otherwise, dot);
    for (const [key, item] of entries) {
      const names = pipe.variables;
      const values = names.length === 2 ? [key, item] : [item];
      for (const [i, name] of names.entries()) {
        if (pipe.isAssignment) this.assign(name, values[i]);
        else this.variables.push({ name, value: values[i] });
      }
      const signal = await this.list(body, item);
      this.variables.length = length;
      if (signal === 'break') break;
    }
    return undefined;
  }

  private async call(name: string, dot: TemplateValue): Promise<Signal> {
    const nodes = this.template.defined.get(name);
    if (nodes === undefined) throw new TemplateError(`template ${JSON.stringify(name)} not defined`);
    if (++this.depth > DEPTH_MAX)
      throw new TemplateError(`templates call each other more than ${DEPTH_MAX} levels deep`);
    const outer = this.variables;
    this.variables = [{ name: '$', value: dot }];
    await this.list(nodes, dot);
    this.variables = outer;
    this.depth--;
    return undefined;
  }

  private async pipe({ variables, isAssignment, commands }: Pipe, dot: TemplateValue): Promise<TemplateValue> {
    let value: TemplateValue;
    for (const [i, command] of commands.entries()) value = await this.command(command, dot, i === 0 ? [] : [value]);
    for (const name of variables) {
      if (isAssignment) this.assign(name, value);
      else this.variables.push({ name, value });
    }
    return value;
  }

  private assign(name: string, value: TemplateValue): void {
    const variable = this.variables.findLast((one) => one.name === name);
    if (variable === undefined) throw new TemplateError(`undefined variable ${JSON.stringify(name)}`);
    variable.value = value;
  }

  /** `piped` is the result of the command before it in the pipeline, as the last argument. */
  private async command(
    [first, ...operands]: Command,
    dot: TemplateValue,
    piped: readonly TemplateValue[],
  ): Promise<TemplateValue> {
    if (first.kind !== 'function') {
      if (operands.length + piped.length > 0) throw new TemplateError("can't give argument to non-function");
      return this.operand(first, dot);
    }
    if (first.name === 'and' || first.name === 'or') return this.either(first.name, operands, dot, piped);
    const args: TemplateValue[] = [];
    for (const operand of operands) args.push(await this.operand(operand, dot));
    args.push(...piped);
    if (first.name !== 'not') return callTemplateFunction(first.name, args, this.options.surroundings);
    if (args.length !== 1) throw new TemplateError(`wrong number of args for not: want 1 got ${args.length}`);
    return !isTrue(args[0]);
  }

  /** The first argument that decides, or the last one. */
  private async either(
    name: 'and' | 'or',
    operands: readonly Operand[],
    dot: TemplateValue,
    piped: readonly TemplateValue[],
  ): Promise<TemplateValue> {
    if (operands.length + piped.length === 0)
      throw new TemplateError(`wrong number of args for ${name}: want at least 1 got 0`);
    let value: TemplateValue;
    for (const operand of operands) {
      value = await this.operand(operand, dot);
      if (isTrue(value) === (name === 'or')) return value;
    }
    return piped.length > 0 ? piped[0] : value;
  }

  private async operand(operand: Operand, dot: TemplateValue): Promise<TemplateValue> {
    switch (operand.kind) {
      case 'dot':
        return dot;
      case 'nil':
        throw new TemplateError('nil is not a command');
      case 'constant':
        return operand.value;
      case 'field':
        return operand.path.reduce(fieldOf, dot);
      case 'variable': {
        const variable = this.variables.findLast(({ name }) => name === operand.name);
        return operand.path.reduce(fieldOf, variable?.value);
      }
      case 'pipe':
        return operand.path.reduce(fieldOf, await this.pipe(operand.pipe, dot));
      case 'function':
        return this.command([operand], dot, []);
    }
  }
}

/** The keys and items that `range` visits. */
const entriesOf = (value: TemplateValue): readonly (readonly [TemplateValue, TemplateValue])[] => {
  if (isList(value)) return value.map((item, i) => [BigInt(i), item] as const);
  if (isMap(value))
    return Object.keys(value.entries)
      .sort()
      .map((key) => [key, value.entries[key]] as const);
  if (value === undefined) return [];
  if (typeof value === 'bigint' && value <= BigInt(STEPS_MAX)) {
    return Array.from({ length: Math.max(0, Number(value)) }, (_, i) => [BigInt(i), BigInt(i)] as const);
  }
  throw new TemplateError(`range can't iterate over ${textOfValue(value)} of type ${typeNameOf(value)}`);
};
