/** The texts that a selector can be completed with. */
import { ask } from '../../server/ask-server.ts';
import type { CompletionPlace } from './completion-place.ts';

const shownMax = 50;

/** All texts for a place, from the server. */
export const candidatesOf = async (place: CompletionPlace, signal: AbortSignal): Promise<readonly string[]> => {
  if (place.kind === 'metric') return ask('/api/v1/label/__name__/values', {}, signal);
  const match = place.metric === '' ? {} : { 'match[]': place.metric };
  if (place.kind === 'value') return ask(`/api/v1/label/${encodeURIComponent(place.label)}/values`, match, signal);
  const names = await ask('/api/v1/labels', match, signal);
  return names.filter((name) => name !== '__name__');
};

/** Candidates that begin with the typed text, then those that contain it, each group in order. */
export const ranked = (candidates: readonly string[], typed: string): string[] => {
  const wanted = typed.toLowerCase();
  const found = candidates.filter((candidate) => candidate.toLowerCase().includes(wanted) && candidate !== typed);
  const group = (candidate: string): number => (candidate.toLowerCase().startsWith(wanted) ? 0 : 1);
  return found.sort((a, b) => group(a) - group(b) || (a < b ? -1 : 1)).slice(0, shownMax);
};
