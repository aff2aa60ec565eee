/** The syntax tree of a template: the parts of Go's `text/template` that rule files use. */

export type TemplateNode =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipe: Pipe }
  | { readonly kind: 'if' | 'with'; readonly pipe: Pipe; readonly body: TemplateList; readonly otherwise: TemplateList }
  | { readonly kind: 'range'; readonly pipe: Pipe; readonly body: TemplateList; readonly otherwise: TemplateList }
  | { readonly kind: 'template'; readonly name: string; readonly pipe: Pipe | undefined }
  | { readonly kind: 'break' | 'continue' };

export type TemplateList = readonly TemplateNode[];

/** `$x := first | second arg`. */
export interface Pipe {
  readonly variables: readonly string[];
  /** `=` instead of `:=`. */
  readonly isAssignment: boolean;
  readonly commands: readonly Command[];
}

/** A function or field with its arguments, or one value. */
export type Command = readonly Operand[];

export type Operand =
  | { readonly kind: 'dot' }
  | { readonly kind: 'nil' }
  | { readonly kind: 'constant'; readonly value: string | number | bigint | boolean }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'field'; readonly path: readonly string[] }
  | { readonly kind: 'variable'; readonly name: string; readonly path: readonly string[] }
  | { readonly kind: 'pipe'; readonly pipe: Pipe; readonly path: readonly string[] };

export interface ParsedTemplate {
  readonly root: TemplateList;
  readonly defined: ReadonlyMap<string, TemplateList>;
}
