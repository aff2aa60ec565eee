/** Creates elements without a framework. */

const svgNamespace = 'http://www.w3.org/2000/svg';

/**
 * @param {Element} element
 * @param {Record<string, any>} properties `class`, attributes, `on<event>` listeners; `undefined` and `false` are left out
 * @param {any[]} children
 */
const fill = (element, properties, children) => {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return element;
};

/** An HTML element: `h('p', { class: 'soft' }, 'text', child)`. */
export const h = (/** @type {string} */ tag, properties = {}, /** @type {any[]} */ ...children) =>
  /** @type {any} */ (fill(document.createElement(tag), properties, children));

/** An SVG element. */
export const svg = (/** @type {string} */ tag, properties = {}, /** @type {any[]} */ ...children) =>
  /** @type {any} */ (fill(document.createElementNS(svgNamespace, tag), properties, children));

/** Sets the text of an element if it has changed. */
export const setText = (/** @type {Element} */ element, /** @type {string} */ text) => {
  if (element.textContent !== text) element.textContent = text;
};

/** A panel with a heading. `beside` are elements next to the heading. */
export const panel = (/** @type {string} */ title, /** @type {any[]} */ beside, /** @type {any[]} */ ...children) =>
  h('section', { class: 'panel', 'aria-label': title }, h('header', {}, h('h2', {}, title), ...beside), ...children);

/** A row of buttons of which one is pressed. */
export const segments = (
  /** @type {string} */ label,
  /** @type {readonly (readonly [string, string])[]} */ choices,
  /** @type {string} */ chosen,
  /** @type {(value: string) => void} */ onChoose,
) => {
  const buttons = choices.map(([value, text]) =>
    h('button', { type: 'button', 'aria-pressed': String(value === chosen), onclick: () => choose(value) }, text),
  );
  const show = (/** @type {string} */ value) => {
    for (const [i, button] of buttons.entries()) button.setAttribute('aria-pressed', String(choices[i][0] === value));
  };
  const choose = (/** @type {string} */ value) => {
    show(value);
    onChoose(value);
  };
  return Object.assign(h('div', { class: 'segments', role: 'group', 'aria-label': label }, ...buttons), { show });
};

/** A button that is on or off. */
export const toggle = (
  /** @type {string} */ text,
  /** @type {boolean} */ on,
  /** @type {(on: boolean) => void} */ onChange,
  title = '',
) => {
  const button = h('button', { type: 'button', 'aria-pressed': String(on), title }, text);
  button.addEventListener('click', () => {
    const next = button.getAttribute('aria-pressed') !== 'true';
    button.setAttribute('aria-pressed', String(next));
    onChange(next);
  });
  return button;
};

/** The element that is shown in place of something that failed. */
export const failure = (/** @type {unknown} */ error) =>
  h('p', { class: 'failure', role: 'alert' }, error instanceof Error ? error.message : String(error));
