/**
 * The distributions of the store, observed from its first moment on. Until the metrics exist, what is observed waits in
 * order; then it goes into them, so that a registry that is asked for late has everything.
 */
import type { Distributions } from './catalogue.ts';

/** About a quarter of an hour of commits under load, and less than 1 MB. Twice as many are kept, while they are made. */
const OBSERVATIONS_MAX = 4096;

type Kind = keyof Distributions;

interface Waiting {
  readonly kind: Kind;
  readonly labels: Readonly<Record<string, string>> | undefined;
  readonly value: number;
}

export class Observations {
  private waiting: Waiting[] = [];
  private target: Distributions | undefined;
  /** Called once, when no more should wait: the metrics should be made then. */
  onFull: () => void = () => {};

  observe(kind: Kind, value: number, labels?: Readonly<Record<string, string>>): void {
    if (this.target !== undefined) {
      put(this.target, { kind, labels, value });
      return;
    }
    if (this.waiting.length >= 2 * OBSERVATIONS_MAX) return;
    this.waiting.push({ kind, labels, value });
    if (this.waiting.length === OBSERVATIONS_MAX) this.onFull();
  }

  /** From now on everything is observed by the metrics. */
  moveInto(target: Distributions): void {
    this.target = target;
    for (const one of this.waiting) put(target, one);
    this.waiting = [];
  }
}

const put = (target: Distributions, { kind, labels, value }: Waiting): void => {
  if (labels === undefined) target[kind].observe(value);
  else target[kind].observe(labels, value);
};
