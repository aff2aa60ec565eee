/** What every page exports as `mount`. */

/** Shows the page in an element, until `signal` aborts. Rejects with what is shown in place of the page. */
export type Mount = (element: HTMLElement, context: { readonly signal: AbortSignal }) => Promise<void>;
