/** The panels of a dashboard in their order. A panel that stays keeps what it shows. */
import type { Panel } from '../../../dashboards/dashboard.ts';
import { h } from '../../parts/elements.ts';
import type { PanelCard } from './panel-card.ts';

export class PanelGrid {
  readonly element = h('div', { class: 'dashboard-grid' });
  private readonly cardOf: (panel: Panel) => PanelCard;
  private cards: PanelCard[] = [];

  constructor(cardOf: (panel: Panel) => PanelCard) {
    this.cardOf = cardOf;
  }

  show(panels: readonly Panel[]): void {
    const known = new Map(this.cards.map((card) => [card.panel, card]));
    this.cards = panels.map((panel) => known.get(panel) ?? this.cardOf(panel));
    for (const [panel, card] of known) if (!panels.includes(panel)) card.remove();
    for (const [i, card] of this.cards.entries()) card.showPlace(i === 0, i === this.cards.length - 1);
    const elements = this.cards.map(({ element }) => element);
    const isSame =
      elements.length === this.element.children.length && elements.every((one, i) => one === this.element.children[i]);
    if (!isSame) this.element.replaceChildren(...elements);
    if (panels.length === 0)
      this.element.replaceChildren(h('p', { class: 'empty' }, 'No panels yet: add one, or add a query from Explore.'));
  }

  refresh(): void {
    for (const card of this.cards) card.refresh();
  }

  /** Focuses the menu of a panel; of the last one if there is none at this place. */
  focus(i: number): void {
    this.cards[Math.min(i, this.cards.length - 1)]?.focus();
  }
}
