/** The keys by which the server counts transitions: `source|event|target`. */

/** What ended the call that a transition follows; `event` if it does not follow one. */
export type Outcome = 'event' | 'done' | 'failed';

interface Transition {
  /** Ids of states, `series.inMemory`. */
  readonly source: string;
  readonly target: string;
  readonly outcome: Outcome;
  /** The event as people read it: `maintain`, `persistChunks done`, `persistChunks failed`. */
  readonly event: string;
}

export const outcomeOf = (key: string): Outcome => {
  const event = key.split('|')[1] ?? '';
  if (event.startsWith('xstate.error.')) return 'failed';
  return event.startsWith('xstate.done.') ? 'done' : 'event';
};

export const readKey = (key: string): Transition => {
  const [source = '', event = '', target = ''] = key.split('|');
  const outcome = outcomeOf(key);
  const call = /^xstate\.(?:done|error)\.\w+\.(.+)$/.exec(event)?.[1];
  return { source, target, outcome, event: call === undefined ? event || 'always' : `${call} ${outcome}` };
};
