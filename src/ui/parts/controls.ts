/** Buttons that show what is chosen. */
import { h } from './elements.ts';

interface Segments {
  readonly element: HTMLElement;
  /** Presses the button of a value, without a call of `onChoose`; no button if there is none. */
  readonly show: (value: string) => void;
}

/** A row of buttons of which one is pressed. */
export const segments = (
  label: string,
  choices: readonly (readonly [value: string, text: string])[],
  chosen: string,
  onChoose: (value: string) => void,
): Segments => {
  const buttons = choices.map(([value, text]) =>
    h('button', { type: 'button', 'aria-pressed': String(value === chosen), onclick: () => choose(value) }, text),
  );
  const show = (value: string): void => {
    for (const [i, button] of buttons.entries()) button.setAttribute('aria-pressed', String(choices[i][0] === value));
  };
  const choose = (value: string): void => {
    show(value);
    onChoose(value);
  };
  return { element: h('div', { class: 'segments', role: 'group', 'aria-label': label }, ...buttons), show };
};

/** A button that is on or off. */
export const toggle = (text: string, on: boolean, onChange: (on: boolean) => void, title = ''): HTMLButtonElement => {
  const button = h('button', { type: 'button', 'aria-pressed': String(on), title }, text);
  button.addEventListener('click', () => {
    const next = button.getAttribute('aria-pressed') !== 'true';
    button.setAttribute('aria-pressed', String(next));
    onChange(next);
  });
  return button;
};
