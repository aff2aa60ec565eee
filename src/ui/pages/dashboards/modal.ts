/** A dialog with a form: it is ended by its buttons, by Escape, or with the page. */
import { h } from '../../parts/elements.ts';

interface ModalOptions {
  readonly title: string;
  /** What is in the form. */
  readonly content: readonly HTMLElement[];
  /** The text of the button that accepts. */
  readonly accept: string;
  /** Says what is wrong; the dialog then stays. */
  readonly check?: () => string | undefined;
  /** The end of the page. */
  readonly signal: AbortSignal;
  readonly isWide?: boolean;
  readonly oninput?: () => void;
}

let count = 0;

/** Shows the dialog; resolves with whether it was accepted. */
export const modal = ({
  title,
  content,
  accept,
  check,
  signal,
  isWide = false,
  oninput = () => {},
}: ModalOptions): Promise<boolean> =>
  new Promise((resolve) => {
    const end = new AbortController();
    const id = `modal-${++count}`;
    const mistake = h('p', { class: 'failure', role: 'alert', hidden: true });
    const opener = document.activeElement;
    const finish = (isAccepted: boolean): void => {
      end.abort();
      dialog.close();
      dialog.remove();
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
      resolve(isAccepted);
    };
    const submit = (event: Event): void => {
      event.preventDefault();
      const wrong = check?.();
      mistake.hidden = wrong === undefined;
      mistake.textContent = wrong ?? '';
      if (wrong === undefined) finish(true);
    };
    const form = h(
      'form',
      { class: 'stack', oninput, onsubmit: submit, novalidate: true },
      h('h2', { id }, title),
      ...content,
      mistake,
      h(
        'div',
        { class: 'row' },
        h('button', { type: 'submit', class: 'main' }, accept),
        h('button', { type: 'button', onclick: () => finish(false) }, 'Cancel'),
      ),
    );
    const cancel = (event: Event): void => {
      event.preventDefault();
      finish(false);
    };
    const dialog = h(
      'dialog',
      { class: isWide ? 'panel wide' : 'panel', 'aria-labelledby': id, oncancel: cancel },
      form,
    );
    signal.addEventListener('abort', () => finish(false), { signal: end.signal });
    document.body.append(dialog);
    dialog.showModal();
  });
