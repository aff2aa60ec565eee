/** Which series of the model has which fingerprint: where two collide, that depends on who came first. */
import type { Life } from './life.ts';

/** By fingerprint. `undefined` when the disk refuses: the archive may have to be read for it. */
export const numbersByFingerprint = (life: Life): Map<string, number> | undefined => {
  const { model, store } = life;
  try {
    return new Map([...model.series.values()].map(({ labels, number }) => [store.series(labels).fingerprint, number]));
  } catch (error) {
    life.judgeError('a fingerprint', error);
    return undefined;
  }
};
