/** Defects in what a store does with late samples and with drops of time ranges. */
import { MergeOutput } from '../../../src/disk/series-files/merge-output.ts';
import { EventBus } from '../../../src/series/event-bus.ts';
import { LateMerging } from '../../../src/series/late-merging.ts';
import { LateSamples } from '../../../src/series/late-samples.ts';
import { type Mutation, ofClass } from './defects.ts';

export const lateMutations: readonly Mutation[] = [
  ofClass('a merge loses the last sample of a chunk', MergeOutput, (original) => ({
    add(this: unknown, columns: never, from: number, end: number) {
      original['add'].call(this, columns, from as never, Math.max(from + 1, end - 1) as never);
    },
  })),

  ofClass('the late samples that wait are forgotten at the close', LateMerging, (original) => ({
    mergeAll(this: { parts: { late: LateSamples } }) {
      const { late } = this.parts;
      for (const row of late.rows()) late.forget(row);
      original['mergeAll'].call(this);
    },
  })),

  // The samples were merged before the drop, and are merged again after it.
  ofClass('replay merges late samples a second time, after they were dropped', LateSamples, (original, isOpening) => ({
    erase(this: unknown, ...given: never[]) {
      if (!isOpening()) original['erase'].apply(this, given);
    },
  })),

  ofClass('a crash undoes the drop of a time range', EventBus, (original) => ({
    publish(this: { journal: { end: number } }, event: never) {
      const { type } = event as { type: string };
      return type === 'samplesDropped' ? this.journal.end : original['publish'].call(this, event);
    },
  })),
];
