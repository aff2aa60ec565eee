/** `tidemark/remote`: a store's samples and events sent to other systems. */

export { type Forwarding, type ForwardState, type ForwardStatus, forward } from './forward.ts';
export type { ForwardEvent } from './forward-events.ts';
export type { ForwardOptions } from './forward-options.ts';
export * from './publish/index.ts';
export type { ForwardActor } from './receiver.ts';
