/** Addresses of the server of these pages. */

/** Where these pages are, whatever path they are mounted under and whatever proxy is in front. */
const base = new URL('.', import.meta.url);

/** The address of a path of the server, which begins with a slash. */
export const addressOf = (path: string): string => new URL(`.${path}`, base).href;

/** The path of an address on the server, such as `/explore`; `undefined` for one that is not below these pages. */
export const pathOf = (address: string): string | undefined => {
  const url = new URL(address, location.href);
  const isHere = url.origin === base.origin && url.pathname.startsWith(base.pathname);
  return isHere ? url.pathname.slice(base.pathname.length - 1) : undefined;
};

/** Parameters of a request; `undefined` ones are left out. */
export type Params = Readonly<Record<string, string | number | undefined>>;

/** The query of an address, with its question mark; empty without parameters. */
export const queryText = (params: Params): string => {
  const given = Object.entries(params).filter(([, value]) => value !== undefined);
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return query.size > 0 ? `?${query}` : '';
};
