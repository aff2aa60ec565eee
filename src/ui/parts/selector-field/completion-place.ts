/** What of a selector can be completed at the cursor. */

interface PlaceBase {
  /** The part that is already typed. */
  readonly typed: string;
  /** Where that part begins. */
  readonly start: number;
  /** The metric's name before the braces; empty if there is none. */
  readonly metric: string;
}

export type CompletionPlace =
  | (PlaceBase & { readonly kind: 'metric' | 'label' })
  | (PlaceBase & { readonly kind: 'value'; readonly label: string });

/**
 * The place at the cursor; `undefined` where nothing can be completed. A label name begins after `{` or `,`, a value
 * after `="` or another operator and a quote. Outside of braces there are metric names.
 */
export const placeAt = (text: string, cursor: number): CompletionPlace | undefined => {
  const before = text.slice(0, cursor);
  const open = before.indexOf('{');
  if (open < 0) {
    const typed = /[a-zA-Z0-9_:]*$/.exec(before)?.[0] ?? '';
    return { kind: 'metric', typed, start: cursor - typed.length, metric: '' };
  }
  const metric = before.slice(0, open).trim();
  const value = /([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)$/.exec(before);
  if (value !== null)
    return { kind: 'value', label: value[1], typed: value[2], start: cursor - value[2].length, metric };
  const name = /[{,]\s*([a-zA-Z_]\w*)?$/.exec(before);
  if (name === null) return undefined;
  const typed = name[1] ?? '';
  return { kind: 'label', typed, start: cursor - typed.length, metric };
};
