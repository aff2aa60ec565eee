/**
 * The states of the series and of the store that result from a journal's lifecycle events. It moves one event forwards
 * or backwards at a time. Each step keeps its changes, so going back is exact.
 */

/**
 * @typedef {{ type: string, time: number, position?: number, [name: string]: any }} ReplayEvent
 * @typedef {{ fingerprint: string, from: string | undefined, to: string }} Move
 * @typedef {{ moves: Move[], store: Record<string, string>, storeBefore: Record<string, string> }} Step
 */

/** The state of a series after an event, given the state before; `undefined` if the event does not change it. */
const stateAfter = (/** @type {ReplayEvent} */ { type }, /** @type {string | undefined} */ before) => {
  switch (type) {
    case 'seriesCreated':
    case 'seriesUnarchived':
      return 'inMemory';
    case 'seriesFilesChanging':
      return before === 'archived' ? 'archived' : 'persisting';
    case 'chunksPersisted':
    case 'chunksDropped':
      return before === 'persisting' ? 'inMemory' : (before ?? 'inMemory');
    case 'headChunksClosed':
      return before ?? 'inMemory';
    case 'seriesArchived':
      return 'archived';
    case 'seriesQuarantined':
      return 'quarantined';
    case 'seriesPurged':
      return 'purged';
    default:
      return undefined;
  }
};

/**
 * The changes of the store's state by an event.
 *
 * @returns {Record<string, string>}
 */
const storeAfter = (/** @type {ReplayEvent} */ event) => {
  switch (event.type) {
    case 'storeOpened':
      return { phase: 'running', pressure: 'normal', health: 'healthy' };
    case 'storeClosed':
      return { phase: 'closed' };
    case 'pressureChanged':
      return { pressure: event.to };
    case 'healthChanged':
      return { health: event.to };
    default:
      return {};
  }
};

const fingerprintsOf = (/** @type {ReplayEvent} */ { fingerprint, fingerprints }) =>
  fingerprints ?? (fingerprint === undefined ? [] : [fingerprint]);

export class Replay {
  constructor(/** @type {ReplayEvent[]} */ events) {
    this.events = events;
    /** Number of events that have been applied. */
    this.index = 0;
    /** @type {Map<string, string>} */
    this.series = new Map();
    /** @type {Record<string, string>} */
    this.store = {};
    /** @type {Record<string, number>} */
    this.counts = {};
    /** @type {Step[]} */
    this.steps = [];
  }

  /** Applies or undoes events until exactly the first `index` are applied. */
  goTo(/** @type {number} */ index) {
    while (this.index < Math.min(index, this.events.length)) this.#forwards();
    while (this.index > Math.max(index, 0)) this.#backwards();
  }

  /** The moves caused by the last event. */
  get lastMoves() {
    return this.steps.at(-1)?.moves ?? [];
  }

  #forwards() {
    const event = this.events[this.index++];
    /** @type {Move[]} */
    const moves = [];
    const move = (/** @type {string} */ fingerprint, /** @type {string | undefined} */ to) => {
      const from = this.series.get(fingerprint);
      if (to === undefined || to === from) return;
      moves.push({ fingerprint, from, to });
      this.#set(fingerprint, to);
    };
    for (const fingerprint of fingerprintsOf(event)) move(fingerprint, stateAfter(event, this.series.get(fingerprint)));
    if (event.type === 'storeOpened')
      for (const [fingerprint, state] of [...this.series]) if (state === 'persisting') move(fingerprint, 'inMemory');
    const store = storeAfter(event);
    this.steps.push({ moves, store, storeBefore: { ...this.store } });
    this.store = { ...this.store, ...store };
  }

  #backwards() {
    this.index--;
    const step = /** @type {Step} */ (this.steps.pop());
    for (const { fingerprint, from } of step.moves.toReversed()) this.#set(fingerprint, from);
    this.store = step.storeBefore;
  }

  #set(/** @type {string} */ fingerprint, /** @type {string | undefined} */ state) {
    const before = this.series.get(fingerprint);
    if (before !== undefined) this.counts[before]--;
    if (state === undefined) this.series.delete(fingerprint);
    else {
      this.series.set(fingerprint, state);
      this.counts[state] = (this.counts[state] ?? 0) + 1;
    }
  }
}
