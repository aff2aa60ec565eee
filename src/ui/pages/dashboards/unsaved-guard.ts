/** Asks before changes that are not saved are lost, however the page is left. */
import { onLeaving } from '../../parts/leaving.ts';

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

  onLeaving((address, way) => {
    if (way === 'history' && isHere(address)) {
      onMoved();
      return false;
    }
    if (isHere(address) || mayLeave()) return true;
    // The browser shows the other address already.
    if (way === 'history') history.pushState(null, '', own());
    return false;
  }, signal);
};
