/**
 * Writes a batch of label operations: the complete new sets of all pairs that change, then those of all names that
 * change, pairs first as in the original. It goes in parts, so that the event loop is free in between; the position and
 * the sync come with the last part of each database. Until then the old position stands, from which everything is
 * applied again after a crash, to the same effect.
 */
import type { Clock } from '../clock.ts';
import type { Position } from '../model/events.ts';
import { encodeLabelName, encodeLabelPair } from './codable.ts';
import { difference, encodeFingerprintSet, type FingerprintSet, union } from './fingerprint-set.ts';
import { positionOperation } from './index-position.ts';
import type { KeyValueOperation, KeyValueStore } from './key-value-store.ts';
import type { LabelBatch } from './label-batch.ts';
import type { LabelPair, LabelSets } from './label-sets.ts';
import type { ValueSet } from './value-set.ts';

/** Pairs, or names, per part: a few milliseconds. */
const PAIRS_PER_PART = 4096;
const NAMES_PER_PART = 256;

export interface WriteOptions {
  /** The position that the indexes have reached with this batch. */
  readonly position: Position | undefined;
  readonly sync: boolean;
}

export interface LabelWriterParts {
  readonly names: KeyValueStore;
  readonly pairs: KeyValueStore;
  readonly sets: LabelSets;
  readonly clock: Clock;
}

export class LabelWriter {
  private readonly parts: LabelWriterParts;

  constructor(parts: LabelWriterParts) {
    this.parts = parts;
  }

  async write(batch: LabelBatch, options: WriteOptions): Promise<void> {
    const valueSets = await this.readValueSets(batch);
    const changedNames = new Set<string>();
    for (let start = 0; start < batch.groupCount || start === 0; start += PAIRS_PER_PART) {
      const end = Math.min(start + PAIRS_PER_PART, batch.groupCount);
      await this.writePairs(batch, start, end, valueSets, changedNames, options);
      if (end < batch.groupCount) await this.parts.clock.breathe();
    }
    await this.writeNames([...changedNames], valueSets, options);
  }

  /** The value sets of all names in the batch: they are changed in place and cached again when they are written. */
  private async readValueSets(batch: LabelBatch): Promise<Map<string, ValueSet>> {
    const names = [...new Set(batch.names)];
    const sets = await this.parts.sets.readValueSets(names);
    return new Map(names.map((name, index) => [name, sets[index]]));
  }

  private async writePairs(
    batch: LabelBatch,
    start: number,
    end: number,
    valueSets: ReadonlyMap<string, ValueSet>,
    changedNames: Set<string>,
    { position, sync }: WriteOptions,
  ): Promise<void> {
    const pairs: LabelPair[] = [];
    for (let group = start; group < end; group++) pairs.push([batch.names[group], batch.values[group]]);
    const existing = await this.parts.sets.readPostings(pairs);
    const operations: KeyValueOperation[] = [];
    const written: (readonly [LabelPair, FingerprintSet])[] = [];
    for (let i = 0; i < pairs.length; i++) {
      const [name, value] = pairs[i];
      const { added, removed } = batch.changeOf(start + i);
      const next = union(difference(existing[i], removed), added);
      const values = valueSets.get(name)!;
      // Also where the pair's set stays as it is: a crash may have come between the two databases.
      if (next.size > 0 ? values.add(value) : values.delete(value)) changedNames.add(name);
      if (next === existing[i]) continue;
      const key = encodeLabelPair(name, value);
      operations.push(next.size > 0 ? { type: 'put', key, value: encodeFingerprintSet(next) } : { type: 'del', key });
      written.push([pairs[i], next]);
    }
    const isLast = end === batch.groupCount;
    if (isLast && position !== undefined) operations.push(positionOperation(position));
    await this.parts.pairs.batch(operations, { sync: sync && isLast });
    this.parts.sets.settlePostings(written);
  }

  private async writeNames(
    names: readonly string[],
    valueSets: ReadonlyMap<string, ValueSet>,
    { position, sync }: WriteOptions,
  ): Promise<void> {
    for (let start = 0; start < names.length || start === 0; start += NAMES_PER_PART) {
      const part = names.slice(start, start + NAMES_PER_PART);
      const operations = part.map((name) => operationFor(name, valueSets.get(name)!));
      const isLast = start + NAMES_PER_PART >= names.length;
      if (isLast && position !== undefined) operations.push(positionOperation(position));
      await this.parts.names.batch(operations, { sync: sync && isLast });
    }
    this.parts.sets.settleValueSets(names.map((name) => [name, valueSets.get(name)!] as const));
  }
}

const operationFor = (name: string, values: ValueSet): KeyValueOperation => {
  const key = encodeLabelName(name);
  return values.size > 0 ? { type: 'put', key, value: values.encode() } : { type: 'del', key };
};
