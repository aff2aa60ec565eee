/** Makes what a killed process leaves: a copy of the directory of a store that is still open and idle. */
import { cpSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger, Store, StoreOptions } from '../../src/index.ts';
import { openStore } from '../../src/index.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** Copies the directory as it is. */
export const crashImage = (directory: string): string => {
  const copy = join(temporaryDirectory(), 'data');
  cpSync(directory, copy, { recursive: true });
  return copy;
};

export interface Segment {
  readonly path: string;
  readonly start: number;
  readonly bytes: number;
}

/** Segment files of a directory's journal, oldest first. */
export const segmentsOf = (directory: string): Segment[] =>
  readdirSync(join(directory, 'journal'))
    .filter((name) => name.endsWith('.journal'))
    .sort()
    .map((name) => {
      const path = join(directory, 'journal', name);
      return { path, start: Number.parseInt(name, 16), bytes: statSync(path).size };
    });

/** A store with the messages that it logged, as "level message". */
export interface Listened {
  readonly store: Store;
  readonly said: string[];
}

export const openListening = async (directory: string, options: StoreOptions = {}): Promise<Listened> => {
  const said: string[] = [];
  const say =
    (level: string) =>
    (facts: object, message = ''): void => {
      said.push(`${level} ${message}${'reason' in facts ? ` (${facts.reason})` : ''}`);
    };
  const logger = { debug: () => {}, info: say('info'), warn: say('warn'), error: say('error') } as unknown as Logger;
  return {
    store: await openStore(directory, { retention: 'off', checkpointInterval: '1h', ...options, logger }),
    said,
  };
};

/** Values of every series of a metric by its label `id`, in order of time. */
export const valuesOf = async (store: Store, metric: string): Promise<Record<string, number[]>> => {
  const values: Record<string, number[]> = {};
  for await (const series of store.select(metric)) values[series.labels['id'] ?? ''] = [...series.values];
  return values;
};
