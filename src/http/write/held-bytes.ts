/**
 * Counts the bytes of bodies that are in memory over all requests at one time, so that many senders at once can't fill
 * it. A request that would exceed the bound is refused with 429; its sender tries again.
 */
import { TryLaterError } from './try-later.ts';

export class HeldBytes {
  /** Bytes that are held now. */
  count = 0;
  private readonly bytesMax: number;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** Begins a request that holds nothing yet. */
  share(): ShareOfBytes {
    return new ShareOfBytes(this);
  }

  /** Throws `TryLaterError`, and takes nothing, if there is no room. */
  take(bytes: number): void {
    if (this.count + bytes > this.bytesMax)
      throw new TryLaterError(
        `The requests that are being read have ${this.bytesMax} bytes together; try again later.`,
      );
    this.count += bytes;
  }

  give(bytes: number): void {
    this.count -= bytes;
  }
}

/** What one request holds. */
export class ShareOfBytes {
  private readonly whole: HeldBytes;
  private bytes = 0;

  constructor(whole: HeldBytes) {
    this.whole = whole;
  }

  /** Throws 429 if the bound is exceeded. */
  take(bytes: number): void {
    this.whole.take(bytes);
    this.bytes += bytes;
  }

  give(bytes: number): void {
    this.whole.give(bytes);
    this.bytes -= bytes;
  }

  /** Gives everything back. */
  end(): void {
    this.give(this.bytes);
  }
}
