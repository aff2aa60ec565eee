/** The fingerprints of the model's series. If two collide, they depend on which series was created first. */
import type { Life } from './life.ts';

/** Series numbers by fingerprint. `undefined` after a disk error: a lookup may have to read the archive. */
export const numbersByFingerprint = (life: Life): Map<string, number> | undefined => {
  const { model, store } = life;
  try {
    return new Map([...model.series.values()].map(({ labels, number }) => [store.series(labels).fingerprint, number]));
  } catch (error) {
    life.judgeError('a fingerprint', error);
    return undefined;
  }
};
