/** The frame of the pages: shows the page of the address, and follows links between pages. */
import { elementById } from '../parts/elements.ts';
import { mayShow } from '../parts/leaving.ts';
import { failure } from '../parts/panel.ts';
import { pathOf } from '../server/page-address.ts';
import { type PageName, pages } from './page-list.ts';

const isPage = (name: string): name is PageName => Object.hasOwn(pages, name);

/** The page of an address; `undefined` if the address names none. */
const pageOf = (address: string): PageName | undefined => {
  const name = pathOf(address)?.slice(1) ?? '';
  return isPage(name) ? name : undefined;
};

/** Explore is the first page. */
const firstPage: PageName = 'explore';

export class PageFrame {
  private readonly element = elementById('page');
  private current: AbortController | undefined;

  constructor() {
    document.addEventListener('click', (event) => this.follow(event));
    addEventListener('popstate', () => {
      if (mayShow(location.href, 'history')) this.show();
    });
  }

  /** Shows the page of the current address. */
  show(): void {
    this.leave();
    const mine = new AbortController();
    this.current = mine;
    const name = pageOf(location.href) ?? firstPage;
    document.title = `${pages[name].title} · Tidemark`;
    for (const link of document.querySelectorAll<HTMLAnchorElement>('.bar nav a'))
      if (pathOf(link.href) === `/${name}`) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    this.element.replaceChildren();
    pages[name]
      .load()
      .then(({ mount }) => (mine.signal.aborted ? undefined : mount(this.element, { signal: mine.signal })))
      .catch((error: unknown) => {
        if (!mine.signal.aborted) this.element.replaceChildren(failure(error));
      });
  }

  /** Ends the page and shows something in its place. */
  replace(content: Element): void {
    this.leave();
    this.element.replaceChildren(content);
  }

  private leave(): void {
    this.current?.abort();
    this.current = undefined;
  }

  private follow(event: MouseEvent): void {
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>('a[href]') : null;
    if (link === null || pageOf(link.href) === undefined) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    if (link.classList.contains('skip')) {
      this.element.focus();
      return;
    }
    if (!mayShow(link.href, 'link')) return;
    history.pushState(null, '', link.href);
    this.show();
    this.element.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}
