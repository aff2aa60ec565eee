/**
 * Plans a recovery. `planRecovery` is a pure function: it turns what was found in a directory into the steps that restore
 * its content. The cheapest plan that is safe is chosen; docs/recovery.md describes the plans for users.
 */
import type { Predecessor } from '../disk/last-close.ts';
import type { Position } from '../model/events.ts';
import type { Tier } from './tier.ts';

/** What was found in a directory, as far as the plan depends on it. */
export interface Findings {
  readonly predecessor: Predecessor;
  readonly tier: Tier;
  /**
   * Why the content needs the full recovery although the tier does not require it: the checkpoint, the indexes and the
   * series files contradict each other. See contradictions.ts.
   */
  readonly contradiction: string | undefined;
  /** The directory existed, and a label index was missing or damaged, or has lost entries. */
  readonly labelsAreLost: boolean;
  /** The label indexes state the journal position that they have reached, so they can catch up from it. */
  readonly labelsHavePosition: boolean;
}

export type RecoveryPlan =
  /** The directory is new: there is nothing to recover. */
  | { readonly kind: 'created'; readonly rebuildLabels: false }
  /**
   * The checkpoint holds everything. `settleOrder`: the original wrote it, and it accepts samples that are older than
   * those in a series' file.
   */
  | { readonly kind: 'clean'; readonly rebuildLabels: boolean; readonly settleOrder: boolean }
  /** The journal is replayed over the checkpoint, beginning at this position. */
  | { readonly kind: 'replay'; readonly rebuildLabels: boolean; readonly from: Position }
  /** All series files are examined. */
  | {
      readonly kind: 'scan';
      readonly rebuildLabels: true;
      readonly reason: string;
      /** Before the scan, the checkpoint's records are compared with their checksums, and the damaged ones isolated. */
      readonly isolateRecords: boolean;
      readonly after: AfterScan;
    };

/** What the journal adds to the content of the scanned files. */
export type AfterScan =
  | { readonly kind: 'nothing' }
  /**
   * The journal has samples that were acknowledged. It is replayed. `isGapless`: it begins exactly where a sound
   * checkpoint ends.
   */
  | { readonly kind: 'replay'; readonly from: Position; readonly isGapless: boolean }
  /** Another program has written since. Only the samples that are missing are added. */
  | { readonly kind: 'addFromJournal'; readonly from: Position };

export type HowOpened = 'created' | 'clean' | 'journal' | 'crashRecovery';

export const planRecovery = (findings: Findings): RecoveryPlan => {
  const { predecessor, tier, contradiction, labelsAreLost, labelsHavePosition } = findings;
  if (tier.kind === 'crash') {
    const { reason } = tier;
    const isolateRecords = predecessor === 'tidemark';
    return { kind: 'scan', rebuildLabels: true, reason, isolateRecords, after: afterScan(tier) };
  }
  if (contradiction !== undefined) {
    const reason = contradiction;
    return { kind: 'scan', rebuildLabels: true, reason, isolateRecords: false, after: afterScan(tier) };
  }
  if (tier.kind === 'journal') {
    return { kind: 'replay', rebuildLabels: labelsAreLost || !labelsHavePosition, from: tier.from };
  }
  if (predecessor === 'created') return { kind: 'created', rebuildLabels: false };
  return { kind: 'clean', rebuildLabels: labelsAreLost, settleOrder: predecessor === 'other' };
};

const afterScan = (tier: Tier): AfterScan => {
  if (tier.kind === 'clean' || tier.from === undefined) return { kind: 'nothing' };
  const { from } = tier;
  if (tier.kind === 'journal') return { kind: 'replay', from, isGapless: true };
  return tier.overtaken === true ? { kind: 'addFromJournal', from } : { kind: 'replay', from, isGapless: false };
};

/** How the directory was opened, as events and `info` state it. */
export const howOpened = (plan: RecoveryPlan, predecessor: Predecessor): HowOpened => {
  if (predecessor === 'created') return 'created';
  if (plan.kind === 'scan') return 'crashRecovery';
  return plan.kind === 'replay' ? 'journal' : plan.kind;
};
