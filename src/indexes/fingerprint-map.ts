/** A map whose keys are fingerprints, given as halves. For few entries that are looked up often. */
export class FingerprintMap<T> {
  private readonly byHigh = new Map<number, Map<number, T>>();

  get isEmpty(): boolean {
    return this.byHigh.size === 0;
  }

  get(high: number, low: number): T | undefined {
    return this.isEmpty ? undefined : this.byHigh.get(high)?.get(low);
  }

  set(high: number, low: number, value: T): void {
    const byLow = this.byHigh.get(high);
    if (byLow === undefined) this.byHigh.set(high, new Map([[low, value]]));
    else byLow.set(low, value);
  }

  *entries(): Generator<readonly [high: number, low: number, value: T]> {
    for (const [high, byLow] of this.byHigh) for (const [low, value] of byLow) yield [high, low, value];
  }

  *values(): Generator<T> {
    for (const byLow of this.byHigh.values()) yield* byLow.values();
  }

  delete(high: number, low: number): void {
    const byLow = this.byHigh.get(high);
    if (byLow?.delete(low) === true && byLow.size === 0) this.byHigh.delete(high);
  }
}
