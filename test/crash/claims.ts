/** What a writer says on standard output, one JSON line each, before and after what it does. */
import type { Name } from './samples.ts';

export type Claim =
  /** `running`: the store is open. `hash`: of all that it holds then. */
  | { readonly type: 'opening' }
  | { readonly type: 'running'; readonly opened: string; readonly hash: string }
  | { readonly type: 'closing' }
  | { readonly type: 'closed' }
  /** Samples of the round may be in the store from now on. */
  | { readonly type: 'appending'; readonly round: number }
  /** Everything up to the round survives a crash. */
  | { readonly type: 'acknowledged'; readonly round: number }
  /** The series are to go with what they have up to the round. No sample is appended to them until it is done. */
  | { readonly type: 'dropping'; readonly drop: number; readonly names: readonly Name[]; readonly round: number }
  | { readonly type: 'dropped'; readonly drop: number }
  /** A backup is made of what was appended up to the round. */
  | { readonly type: 'copying'; readonly directory: string; readonly round: number }
  | { readonly type: 'copied'; readonly directory: string }
  /** The subscriber got the samples that `steady/0` has of these rounds, in this order. */
  | { readonly type: 'delivered'; readonly rounds: readonly number[] }
  | { readonly type: 'subscriberLost'; readonly what: string }
  | { readonly type: 'failed'; readonly what: string };

export const parseClaims = (output: string): Claim[] =>
  output
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Claim);
