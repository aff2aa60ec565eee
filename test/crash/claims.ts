/** The claims that a writer prints on standard output before and after each action, one JSON object a line. */
import type { Name } from './samples.ts';

export type Claim =
  /** `running`: the store is open. `hash` covers everything that it holds at that moment. */
  | { readonly type: 'opening' }
  | { readonly type: 'running'; readonly opened: string; readonly hash: string }
  | { readonly type: 'closing' }
  | { readonly type: 'closed' }
  /** Samples of the round may be in the store from now on. */
  | { readonly type: 'appending'; readonly round: number }
  /** All samples up to the round survive a crash. */
  | { readonly type: 'acknowledged'; readonly round: number }
  /** A drop of the series, with their samples up to the round, has begun. They get no sample until it is done. */
  | { readonly type: 'dropping'; readonly drop: number; readonly names: readonly Name[]; readonly round: number }
  | { readonly type: 'dropped'; readonly drop: number }
  /** A backup has begun. It must have all samples that were appended up to the round. */
  | { readonly type: 'copying'; readonly directory: string; readonly round: number }
  | { readonly type: 'copied'; readonly directory: string }
  /** The subscriber received the samples of `steady/0` for these rounds, in this order. */
  | { readonly type: 'delivered'; readonly rounds: readonly number[] }
  | { readonly type: 'subscriberLost'; readonly what: string }
  | { readonly type: 'failed'; readonly what: string };

export const parseClaims = (output: string): Claim[] =>
  output
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Claim);
