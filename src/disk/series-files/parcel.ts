/**
 * A batch of requests on its way to the thread and back. The chunks in the requests' slots are copied to one buffer,
 * which is handed over and comes back with the answer. Copying a chunk takes a fraction of a microsecond, and the
 * thread needs no access to the slab: a block is given back as soon as its owner has no more use for it.
 */
import { CHUNK_BYTES, type SlabView, type Slot } from '../../chunk/slab.ts';
import type { SeriesFileOutcome, SeriesFileRequest } from './series-file-requests.ts';

/** A slot that the thread fills, and its number in the buffer. */
interface Filled {
  readonly request: number;
  readonly slot: Slot;
  readonly place: number;
}

export class Parcel {
  /** The requests, with the slots of the buffer. */
  readonly requests: readonly SeriesFileRequest[];
  readonly bytes: ArrayBuffer;
  private readonly slab: SlabView;
  private readonly filled: Filled[] = [];
  private places = 0;

  constructor(slab: SlabView, requests: readonly SeriesFileRequest[]) {
    this.slab = slab;
    const bytes = Buffer.allocUnsafeSlow(requests.reduce((sum, request) => sum + slotCount(request), 0) * CHUNK_BYTES);
    this.requests = requests.map((request, index) => this.packed(request, index, bytes));
    this.bytes = bytes.buffer as ArrayBuffer;
  }

  /**
   * Copies the chunks that were read from files to their slots in the slab. Those of failed requests stay as they are.
   */
  unpack(outcomes: readonly SeriesFileOutcome[], bytes: ArrayBuffer): void {
    const chunks = new Uint8Array(bytes);
    for (const { request, slot, place } of this.filled) {
      if (outcomes[request].ok) this.slab.fill(slot, chunks, place * CHUNK_BYTES);
    }
  }

  private packed(request: SeriesFileRequest, index: number, bytes: Buffer): SeriesFileRequest {
    switch (request.kind) {
      case 'persist':
      case 'dropAndPersist':
      case 'merge': {
        const slots = Int32Array.from(request.slots, (slot) => {
          if (this.slab.sizeOf(slot) !== CHUNK_BYTES) throw new RangeError(`slot ${slot} is not a full one`);
          bytes.set(this.slab.bytesOf(slot), this.places * CHUNK_BYTES);
          return this.places++;
        });
        return { ...request, slots };
      }
      case 'load': {
        const slots = Int32Array.from(request.slots, (slot) => this.toFill(index, slot, bytes));
        return { ...request, slots };
      }
      case 'loadDoubtful':
        return { ...request, slot: this.toFill(index, request.slot, bytes) };
      default:
        return request;
    }
  }

  private toFill(request: number, slot: Slot, bytes: Buffer): Slot {
    const place = this.places++;
    // A damaged file may have only a part of a chunk.
    bytes.fill(0, place * CHUNK_BYTES, this.places * CHUNK_BYTES);
    this.filled.push({ request, slot, place });
    return place;
  }
}

const slotCount = (request: SeriesFileRequest): number => {
  if ('slots' in request) return request.slots.length;
  return request.kind === 'loadDoubtful' ? 1 : 0;
};
