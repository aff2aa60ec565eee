/** The field of one query: a plain text field that becomes an editor when it is focused. */
import { h } from '../elements.ts';
import type { Editor } from './editor/promql-editor.ts';

interface QueryBoxOptions {
  readonly value: string;
  /** The field's name for assistive technology. */
  readonly label: string;
  /** The end of the field. */
  readonly signal: AbortSignal;
  readonly onSubmit: (text: string) => void;
}

const hint = 'metric{label="value"}, or any PromQL';

export class QueryBox {
  readonly element: HTMLElement;
  private readonly options: QueryBoxOptions;
  private readonly input: HTMLInputElement;
  private editor: Editor | undefined;
  private isLoading = false;

  constructor(options: QueryBoxOptions) {
    this.options = options;
    this.input = h('input', {
      type: 'text',
      value: options.value,
      spellcheck: 'false',
      autocomplete: 'off',
      placeholder: hint,
      'aria-label': options.label,
      onfocus: () => void this.load(),
      onkeydown: (event) => {
        if (event instanceof KeyboardEvent && event.key === 'Enter') this.submit();
      },
    });
    this.element = h('div', { class: 'query-box' }, this.input);
    options.signal.addEventListener('abort', () => this.editor?.destroy());
  }

  get value(): string {
    return (this.editor?.text ?? this.input.value).trim();
  }

  set value(text: string) {
    this.input.value = text;
    if (this.editor !== undefined) this.editor.text = text;
  }

  focus(): void {
    if (this.editor === undefined) this.input.focus();
    else this.editor.focus();
  }

  private submit(): void {
    this.options.onSubmit(this.value);
  }

  /** Puts the editor in the place of the text field. If it can't be loaded, the text field stays. */
  private async load(): Promise<void> {
    if (this.isLoading) return;
    this.isLoading = true;
    try {
      const { createEditor } = await import('./editor/promql-editor.ts');
      if (this.options.signal.aborted) return;
      const place = h('div');
      const wasFocused = document.activeElement === this.input;
      this.editor = createEditor({
        parent: place.attachShadow({ mode: 'open' }),
        text: this.input.value,
        label: this.options.label,
        placeholder: hint,
        onSubmit: () => this.submit(),
      });
      this.input.replaceWith(place);
      if (wasFocused) this.editor.focus();
    } catch (error) {
      this.isLoading = false;
      console.error(error);
    }
  }
}
