/**
 * Records at each checkpoint how many operations each index has taken (src/indexes/index-sequences.ts). Unchanged numbers
 * are not written again.
 */
import { sequencesOf, writeIndexSequences } from '../indexes/index-sequences.ts';
import type { Engine } from './engine.ts';
import type { Recovered } from './recovered.ts';

export class NotedSequences {
  private readonly engine: Engine;
  private readonly recovered: Recovered;
  private noted: string | undefined;

  constructor(engine: Engine, recovered: Recovered) {
    this.engine = engine;
    this.recovered = recovered;
  }

  /** Writes the current numbers. An error is logged only: older numbers are true, too. */
  note(): void {
    const { fileSystem, directory, logger, options } = this.engine;
    if (options.readOnly) return;
    const sequences = sequencesOf(this.recovered.databases);
    const text = JSON.stringify(sequences);
    if (text === this.noted) return;
    try {
      writeIndexSequences(fileSystem, directory, sequences);
      this.noted = text;
    } catch (error) {
      logger.warn({ err: error }, 'INDEX_SEQUENCES could not be written.');
    }
  }
}
