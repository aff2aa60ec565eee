/**
 * The states of a series as small numbers. A row stores such a number, and the data plane looks up the tags of the
 * state without running a statechart: there is one table per tag, read from the machine itself.
 *
 * The order of the list is the numbering. It exists in memory only; no file on disk uses it.
 */
import type { AnyStateNode, StateValue, StateValueFrom } from 'xstate';
import { type SeriesTag, seriesMachine } from './series.machine.ts';

export type SeriesStateValue = StateValueFrom<typeof seriesMachine>;

/** Every state without sub-states, in the order of the numbers. */
export const seriesStates = [
  'inMemory',
  'persisting.nothingAfter',
  'persisting.isolateAfter',
  'persisting.dropAfter',
  'archived.resting',
  'archived.trimming.nothingAfter',
  'archived.trimming.wakeAfter',
  'archived.trimming.isolateAfter',
  'archived.trimming.dropAfter',
  'quarantined.isolating',
  'quarantined.isolated',
  'quarantined.unmoved',
  'purging.deleting',
  'purging.waiting',
  'purged',
] as const;

export type SeriesStatePath = (typeof seriesStates)[number];

/** Index into {@link seriesStates}. */
export type SeriesStateCode = number;

/** The path of a state value without parallel regions, outermost state first: `archived.resting`. */
export const pathOfValue = (value: StateValue): string => {
  if (typeof value === 'string') return value;
  for (const key in value) return `${key}.${pathOfValue(value[key]!)}`;
  return '';
};

const codes: ReadonlyMap<string, SeriesStateCode> = new Map(seriesStates.map((path, code) => [path, code]));

export const codeOfPath = (path: SeriesStatePath): SeriesStateCode => codes.get(path)!;

export const codeOfValue = (value: StateValue): SeriesStateCode => codes.get(pathOfValue(value))!;

const values: readonly SeriesStateValue[] = seriesStates.map((path) =>
  path.split('.').reduceRight<StateValue>((child, key) => (child === '' ? key : { [key]: child }), ''),
) as SeriesStateValue[];

export const valueOfCode = (code: SeriesStateCode): SeriesStateValue => values[code];

/** The tags of a state: its own and those of the states around it. Read from the nodes, because a snapshot costs more. */
const tagsOf = (path: SeriesStatePath): ReadonlySet<string> => {
  let node: AnyStateNode = seriesMachine.root;
  const tags = new Set<string>(node.tags);
  for (const key of path.split('.')) {
    node = node.states[key]!;
    for (const tag of node.tags) tags.add(tag);
  }
  return tags;
};

const tags = seriesStates.map(tagsOf);

const tagTable = (tag: SeriesTag): Uint8Array => Uint8Array.from(tags, (ofState) => Number(ofState.has(tag)));

/** Per tag, 1 at the codes of the states that have it: `seriesTags.writable[code]`. */
export const seriesTags: Readonly<Record<SeriesTag, Uint8Array>> = {
  writable: tagTable('writable'),
  onDisk: tagTable('onDisk'),
  busy: tagTable('busy'),
  resident: tagTable('resident'),
  visited: tagTable('visited'),
  quarantined: tagTable('quarantined'),
  deleted: tagTable('deleted'),
  leaving: tagTable('leaving'),
};

/** The name of the state in the public API. */
export type SeriesPhase = 'inMemory' | 'persisting' | 'archived' | 'quarantined' | 'purged';

const phases: readonly SeriesPhase[] = seriesStates.map((path) => {
  const top = path.split('.')[0]!;
  return top === 'purging' ? 'purged' : (top as SeriesPhase);
});

/** The public name of a state. A series that is being purged counts as purged already; only its file is still there. */
export const phaseOfCode = (code: SeriesStateCode): SeriesPhase => phases[code];

const resting: Readonly<Partial<Record<SeriesStatePath, SeriesStatePath>>> = {
  'persisting.nothingAfter': 'inMemory',
  'persisting.isolateAfter': 'quarantined.unmoved',
  'persisting.dropAfter': 'purging.waiting',
  'archived.trimming.nothingAfter': 'archived.resting',
  'archived.trimming.wakeAfter': 'inMemory',
  'archived.trimming.isolateAfter': 'quarantined.unmoved',
  'archived.trimming.dropAfter': 'purging.waiting',
  'quarantined.isolating': 'quarantined.unmoved',
  'purging.deleting': 'purging.waiting',
};

const restingCodes = Uint8Array.from(seriesStates, (path) => codeOfPath(resting[path] ?? path));

/**
 * The state to which a series returns when its file call will never report: the actor failed or was stopped, or the
 * store closed. The row waits there for its next visit. Requests that were remembered during the call are not lost:
 * `persisting.dropAfter`, for example, becomes `purging.waiting`.
 */
export const restingCode = (code: SeriesStateCode): SeriesStateCode => restingCodes[code];
