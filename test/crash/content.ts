/** The whole content of an open store, read through its queries. */
import { createHash } from 'node:crypto';
import type { Store } from '../../src/index.ts';
import { type Name, nameOfLabels, roundOf } from './samples.ts';

export interface Content {
  /** Samples by series and round. */
  readonly samples: Map<Name, Map<number, { readonly time: number; readonly value: number }>>;
  /** Contradictions within the content, for example two series with the same labels. */
  readonly complaints: readonly string[];
  /** Equal for contents that are equal bit for bit. */
  readonly hash: string;
}

export const readContent = async (store: Store): Promise<Content> => {
  const samples: Content['samples'] = new Map();
  const complaints: string[] = [];
  const hashes: string[] = [];
  for await (const { labels, timestamps, values } of store.select('{__name__=~".+"}')) {
    const name = nameOfLabels(labels);
    if (name === undefined) {
      complaints.push(`invented: a series ${JSON.stringify(labels)}`);
      continue;
    }
    if (samples.has(name)) complaints.push(`invented: ${name} is there twice`);
    hashes.push(hashOf(name, timestamps, values));
    const rounds = new Map<number, { time: number; value: number }>();
    for (let i = 0; i < timestamps.length; i++) {
      if (i > 0 && timestamps[i] <= timestamps[i - 1]) complaints.push(`wrong: ${name} goes back to ${timestamps[i]}`);
      rounds.set(roundOf(timestamps[i]), { time: timestamps[i], value: values[i] });
    }
    samples.set(name, rounds);
  }
  complaints.push(...(await comparedWithIds(store, samples)));
  // `select` returns series in no particular order.
  return { samples, complaints, hash: hashOf(hashes.sort().join('')) };
};

const hashOf = (text: string, ...columns: readonly Float64Array[]): string => {
  const hash = createHash('sha256').update(text);
  for (const column of columns) hash.update(new Uint8Array(column.slice().buffer));
  return hash.digest('hex');
};

/** Checks that the label `id` finds the same series as `__name__`, and no others. */
const comparedWithIds = async (store: Store, samples: Content['samples']): Promise<string[]> => {
  const byId = new Set((await store.metrics('{id=~".+"}')).map((labels) => nameOfLabels(labels)));
  const complaints: string[] = [];
  for (const name of samples.keys()) if (!byId.has(name)) complaints.push(`index: ${name} is not found by its id`);
  for (const name of byId)
    if (name === undefined || !samples.has(name)) complaints.push(`index: ${name} is found by its id alone`);
  return complaints;
};
