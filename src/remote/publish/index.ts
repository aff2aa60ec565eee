/** Events of a store to other systems: NATS JetStream, and any sink of one's own. */

export { eventLine } from '../../text/json-events.ts';
export { type Pipe, type PipeOptions, type PipeStatus, pipe } from '../sinks/pipe.ts';
export {
  type LostRange,
  type Sink,
  type SinkBatch,
  SinkError,
  type SinkErrorOptions,
  type SinkOutcome,
} from '../sinks/sink.ts';
export {
  type NewStreamOptions,
  type Publishing,
  type PublishOptions,
  type PublishStatus,
  publish,
} from './publish.ts';
