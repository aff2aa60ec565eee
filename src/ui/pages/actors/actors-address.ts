/** What the Actors page shows, as the parameters of its address. */
import type { Labels } from '../../server/server-answers.ts';

export interface ActorsView {
  /** The selector of the picker. */
  readonly match: string;
  /** The series that is followed. */
  readonly series: Labels | undefined;
  /** The fingerprint of the series in quarantine that is shown, in place of one that is followed. */
  readonly quarantined: string | undefined;
  /** The state whose series are listed. */
  readonly state: string | undefined;
  /** The regions of the store that are open. */
  readonly regions: readonly string[];
  /** Whether every state is drawn. */
  readonly full: boolean;
}

/** The labels of a text that is a JSON object of strings; `undefined` for any other. */
const labelsOf = (text: string | null): Labels | undefined => {
  try {
    const labels: unknown = JSON.parse(text ?? '');
    if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) return undefined;
    return Object.values(labels).every((value) => typeof value === 'string') ? (labels as Labels) : undefined;
  } catch {
    return undefined;
  }
};

export const viewOfAddress = (search: string): ActorsView => {
  const params = new URLSearchParams(search);
  return {
    match: params.get('match') ?? '',
    series: labelsOf(params.get('series')),
    quarantined: params.get('quarantined') ?? undefined,
    state: params.get('state') ?? undefined,
    regions: (params.get('regions') ?? '').split(',').filter(Boolean),
    full: params.get('depth') === 'full',
  };
};

/** The address of a view, relative to the page; parts that are as at first are left out. */
export const addressOfView = ({ match, series, quarantined, state, regions, full }: Partial<ActorsView>): string => {
  const params = new URLSearchParams();
  if (match) params.set('match', match);
  if (series !== undefined) params.set('series', JSON.stringify(series));
  if (quarantined !== undefined) params.set('quarantined', quarantined);
  if (state !== undefined) params.set('state', state);
  if (regions !== undefined && regions.length > 0) params.set('regions', regions.join());
  if (full) params.set('depth', 'full');
  return params.size === 0 ? './actors' : `./actors?${params}`;
};
