/** Where the events of a replay come from: the journal of the store, or a file. */

import { ask } from '../../server/ask-server.ts';
import type { PageEvent } from '../../server/server-answers.ts';

const pageSize = 2000;
/** The maximum number of events in the page. */
export const eventsMax = 50_000;

/** The lifecycle events of the journal, a page at a time. */
export const loadJournal = async (signal: AbortSignal, onProgress: (count: number) => void): Promise<PageEvent[]> => {
  const events: PageEvent[] = [];
  let from: number | undefined;
  do {
    const page = await ask('/ui/journal', { from, limit: pageSize }, signal);
    events.push(...page.events);
    onProgress(events.length);
    from = page.next;
  } while (from !== undefined && events.length < eventsMax);
  return events;
};

const isLifecycleEvent = (value: unknown): value is PageEvent => {
  const type = (value as { readonly type?: unknown } | null)?.type;
  return typeof type === 'string' && type !== 'samplesAppended';
};

/** The events of a file: JSON lines, as `tidemark events` and the simulator print them. */
export const parseEvents = (text: string): PageEvent[] => {
  const events = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, i): unknown => {
      try {
        return JSON.parse(line);
      } catch {
        throw new Error(`Line ${i + 1} of the file is not JSON.`);
      }
    })
    .filter(isLifecycleEvent);
  if (events.length === 0)
    throw new Error('The file has no lifecycle events: one JSON object with a "type" on each line.');
  return events;
};
