/** Folder names of the four databases, as in the original. The first database carries the store's lock. */
export const databaseFolders = {
  metric: 'archived_fingerprint_to_metric',
  timeRange: 'archived_fingerprint_to_timerange',
  names: 'labelname_to_labelvalues',
  pairs: 'labelpair_to_fingerprints',
} as const;

export type DatabaseName = keyof typeof databaseFolders;
