/** Creates elements without a framework. */

const svgNamespace = 'http://www.w3.org/2000/svg';

interface Handler {
  handle(event: Event): void;
}

/** `class`, attributes, and `on<event>` listeners; `undefined` and `false` are left out. */
export type Properties = Readonly<Record<string, string | number | boolean | undefined | Handler['handle']>>;

type Child = Node | string | undefined | null | false;

const fill = <Filled extends Element>(
  element: Filled,
  properties: Properties,
  children: readonly (Child | readonly Child[])[],
): Filled => {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children.flat())
    if (child !== undefined && child !== null && child !== false) element.append(child);
  return element;
};

/** An HTML element: `h('p', { class: 'soft' }, 'text', child)`. */
export const h = <Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Properties = {},
  ...children: readonly (Child | readonly Child[])[]
): HTMLElementTagNameMap[Tag] => fill(document.createElement(tag), properties, children);

/** An SVG element. */
export const svg = <Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  properties: Properties = {},
  ...children: readonly (Child | readonly Child[])[]
): SVGElementTagNameMap[Tag] => fill(document.createElementNS(svgNamespace, tag), properties, children);

/** Sets the text of an element if it has changed. */
export const setText = (element: Element, text: string): void => {
  if (element.textContent !== text) element.textContent = text;
};

/** The element of index.html with this id. */
export const elementById = (id: string): HTMLElement => {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`The page has no element #${id}.`);
  return element;
};
