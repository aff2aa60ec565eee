/** Asks before changes that are not saved are lost, however the page is left. */

interface GuardOptions {
  /** The end of the page. */
  readonly signal: AbortSignal;
  readonly isChanged: () => boolean;
  /** Whether an address is of what is shown, perhaps with another range. */
  readonly isHere: (address: URL) => boolean;
  /** The address of what is shown. */
  readonly own: () => string;
  /** Going back has led to another address of what is shown. */
  readonly onMoved: () => void;
  /** The changes are given up. */
  readonly onDiscard: () => void;
}

const question = 'This dashboard has changes that are not saved. Leave it, and lose them?';

export const guardUnsaved = ({ signal, isChanged, isHere, own, onMoved, onDiscard }: GuardOptions): void => {
  /** Whether to go on. */
  const mayLeave = (): boolean => {
    if (!isChanged()) return true;
    if (!confirm(question)) return false;
    onDiscard();
    return true;
  };

  addEventListener(
    'beforeunload',
    (event) => {
      if (isChanged()) event.preventDefault();
    },
    { signal },
  );

  // Both listeners come before those of the frame, which would show the other page.
  document.addEventListener(
    'click',
    (event) => {
      const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>('a[href]') : null;
      if (link === null || link.target === '_blank' || link.download !== '' || link.classList.contains('skip')) return;
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
      if (isHere(new URL(link.href)) || mayLeave()) return;
      event.preventDefault();
      event.stopPropagation();
    },
    { signal, capture: true },
  );

  addEventListener(
    'popstate',
    (event) => {
      if (isHere(new URL(location.href))) {
        event.stopImmediatePropagation();
        onMoved();
      } else if (!mayLeave()) {
        event.stopImmediatePropagation();
        history.pushState(null, '', own());
      }
    },
    { signal, capture: true },
  );
};
