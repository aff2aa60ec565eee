/** A bounded number of calls that are under way. The first failure ends the series. */
export class InFlight {
  private readonly max: { readonly calls: number; readonly bytes: number };
  private calls = 0;
  private bytes = 0;
  private failure: { readonly error: unknown } | undefined;
  private wake: (() => void) | undefined;

  constructor(max: { readonly calls: number; readonly bytes: number }) {
    this.max = max;
  }

  /** Resolves when one more call of this size may begin. Rejects with the first failure. */
  async room(bytes: number): Promise<void> {
    while (this.failure === undefined && !this.fits(bytes)) await this.change();
    this.throwFailure();
  }

  /** Counts a call until it is settled. */
  add(call: Promise<void>, bytes: number): void {
    this.calls++;
    this.bytes += bytes;
    call
      .catch((error: unknown) => {
        this.failure ??= { error };
      })
      .finally(() => {
        this.calls--;
        this.bytes -= bytes;
        this.wake?.();
      });
  }

  /** Resolves when no call is under way. Rejects with the first failure, also only then. */
  async settled(): Promise<void> {
    while (this.calls > 0) await this.change();
    this.throwFailure();
  }

  private fits(bytes: number): boolean {
    return this.calls === 0 || (this.calls < this.max.calls && this.bytes + bytes <= this.max.bytes);
  }

  private throwFailure(): void {
    if (this.failure !== undefined) throw this.failure.error;
  }

  private change(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }
}
