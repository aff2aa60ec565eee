/**
 * Turns what is appended into records at the end of the queue, and begins new segments.
 *
 * Samples and creations are staged, and many of them share one record. Every other event gets a record at once.
 */
import { ByteWriter } from '../../model/byte-writer.ts';
import { TidemarkError } from '../../model/errors.ts';
import type { LifecycleEvent } from '../../model/events.ts';
import type { LabelPairs } from '../../model/labels.ts';
import type { Clock } from '../../ports/clock.ts';
import { encodeEvents } from '../format/events-codec.ts';
import {
  EVENTS,
  FRAME_BYTES,
  frameSeed,
  LATE_SAMPLES,
  PAYLOAD_BYTES_MAX,
  SAMPLES,
  sealFrame,
} from '../format/record-frame.ts';
import { encodeSamples, samplesBytesMax } from '../format/samples-codec.ts';
import { storeSalt } from '../format/segment-header.ts';
import type { ByteQueue } from './byte-queue.ts';
import { CreationStage } from './creation-stage.ts';
import { SampleStage } from './sample-stage.ts';
import type { SegmentFiles } from './segment-files.ts';

/**
 * Smallest segment that is ended early. Each segment repeats 8 bytes for every series in it, so ending a smaller one
 * would cost more than it saves.
 */
const SEGMENT_BYTES_WORTH_ENDING = 256 * 1024;

/** Late samples of one record. */
const LATE_BATCH_SAMPLES = 1024;

export interface RecordsParts {
  readonly queue: ByteQueue;
  readonly files: SegmentFiles;
  readonly clock: Pick<Clock, 'now'>;
  readonly storeId: string;
  readonly options: { readonly batchSamples: number; readonly segmentBytes: number };
}

export class Records {
  readonly stage: SampleStage;
  /** Late samples. Each of its batches defines all references that it uses. */
  readonly lateStage = new SampleStage(LATE_BATCH_SAMPLES);
  private readonly creations = new CreationStage();
  private readonly queue: ByteQueue;
  private readonly files: SegmentFiles;
  private readonly clock: Pick<Clock, 'now'>;
  private readonly salt: number;
  private readonly segmentBytes: number;
  private readonly eventWriter = new ByteWriter(4096);
  private scratch: Buffer;

  constructor({ queue, files, clock, storeId, options }: RecordsParts) {
    this.queue = queue;
    this.files = files;
    this.clock = clock;
    this.salt = storeSalt(storeId);
    this.segmentBytes = options.segmentBytes;
    this.stage = new SampleStage(options.batchSamples);
    this.scratch = Buffer.allocUnsafeSlow(samplesBytesMax(options.batchSamples, options.batchSamples));
  }

  /** Adds events as one record. It follows everything staged, unless all of them are `seriesCreated`. */
  addEvents(events: readonly LifecycleEvent[]): void {
    // No staged sample can belong to a series that is only being created, so its creation may precede the batch.
    if (events.every(({ type }) => type === 'seriesCreated')) this.sealCreations();
    else this.seal();
    this.addEventsRecord((writer) => encodeEvents(events, writer));
  }

  /** Stages the creation of a series. Returns whether the record of the creations was due and has been added. */
  addCreated(time: number, high: number, low: number, pairs: LabelPairs): boolean {
    this.creations.add(time, high, low, pairs);
    if (!this.creations.isFull) return false;
    this.sealCreations();
    return true;
  }

  /** Encodes what is staged: creations before the samples of the series that they create. */
  seal(): void {
    this.sealCreations();
    if (this.stage.count > 0) this.encodeStage(this.stage, SAMPLES);
    if (this.lateStage.count === 0) return;
    this.encodeStage(this.lateStage, LATE_SAMPLES);
    this.lateStage.beginSegment();
  }

  private encodeStage(stage: SampleStage, kind: number): void {
    this.reserve(samplesBytesMax(stage.count, stage.defined.count - stage.definedBefore));
    const time = this.clock.now();
    const end = encodeSamples(stage, time, stage.defined, stage.definedBefore, this.scratch, FRAME_BYTES);
    stage.clear();
    this.addRecord(this.scratch, kind, end - FRAME_BYTES);
  }

  /** Encodes what is staged, and begins a new segment unless the current one is small. */
  endSegment(): void {
    this.seal();
    if (this.queue.end - this.files.currentStart >= SEGMENT_BYTES_WORTH_ENDING) this.startSegment();
  }

  private sealCreations(): void {
    if (this.creations.count > 0) this.addEventsRecord((writer) => this.creations.drainTo(writer));
  }

  private addEventsRecord(encode: (writer: ByteWriter) => void): void {
    const { eventWriter } = this;
    eventWriter.clear();
    eventWriter.gap(FRAME_BYTES);
    encode(eventWriter);
    const payloadBytes = eventWriter.length - FRAME_BYTES;
    if (payloadBytes > PAYLOAD_BYTES_MAX) {
      throw new TidemarkError('TIDEMARK_INTERNAL', `an event of ${payloadBytes} bytes exceeds ${PAYLOAD_BYTES_MAX}`);
    }
    this.addRecord(eventWriter.view(), EVENTS, payloadBytes);
  }

  /**
   * Frames the payload, which follows room for the header in `record`, and queues the record. Begins a new segment if
   * one is due.
   */
  private addRecord(record: Buffer, kind: number, payloadBytes: number): void {
    const { queue, files } = this;
    queue.append(record, sealFrame(record, 0, kind, payloadBytes, frameSeed(this.salt, queue.end)));
    // A segment ends only when nothing is staged, because staged samples use the references of this segment.
    if (queue.end - files.currentStart < this.segmentBytes || this.stage.count > 0) return;
    this.startSegment();
  }

  private startSegment(): void {
    this.stage.beginSegment();
    this.files.begin(this.queue.end, this.queue.end, this.stage.defined);
  }

  private reserve(payloadBytes: number): void {
    if (FRAME_BYTES + payloadBytes > this.scratch.length)
      this.scratch = Buffer.allocUnsafeSlow(FRAME_BYTES + payloadBytes);
  }
}
