/** A row of the series table; it is free for another series after the series has left memory. */
export type Row = number;
export const NO_ROW: Row = -1;
