/** The tiles of the Storage page. They are made once and then changed, so that a link keeps the focus. */
import { h, setText } from '../../parts/elements.ts';
import { meter } from '../../parts/meter.ts';
import type { Tile } from './figure-tiles.ts';

/** A share of a limit, which is coloured as it comes near. */
const limitMeter = (share: number): HTMLElement => meter(share, share >= 1 ? 'bad' : share > 0.8 ? 'warn' : '');

class DrawnTile {
  readonly element: HTMLElement;
  private readonly value = h('div', { class: 'value' });
  private readonly note = h('div', { class: 'soft small clip' });
  private readonly share = h('div');
  private readonly links = h('div', { class: 'links small' });
  private linksText = '';

  constructor(title: string) {
    this.element = h(
      'div',
      { class: 'tile', role: 'group', 'aria-label': title },
      h('div', { class: 'soft small' }, title),
      this.value,
      this.note,
      this.share,
      this.links,
    );
  }

  show({ title, value, note, share, links }: Tile): void {
    setText(this.value, value);
    this.value.title = value;
    setText(this.note, note || '\u00a0');
    this.note.title = note;
    this.share.replaceChildren(share === undefined ? '' : limitMeter(share));
    const text = links.map(({ href }) => href).join(' ');
    if (text === this.linksText) return;
    this.linksText = text;
    this.links.replaceChildren(
      ...links.map((link) => h('a', { href: link.href, 'aria-label': `${title}: ${link.text}` }, link.text)),
    );
  }
}

export class TileGrid {
  readonly element = h('div', { class: 'tiles' });
  private readonly drawn = new Map<string, DrawnTile>();

  show(tiles: readonly Tile[]): void {
    for (const tile of tiles) {
      const known = this.drawn.get(tile.title) ?? new DrawnTile(tile.title);
      if (!this.drawn.has(tile.title)) this.element.append(known.element);
      this.drawn.set(tile.title, known);
      known.show(tile);
    }
  }
}
