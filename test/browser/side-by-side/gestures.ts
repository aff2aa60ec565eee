/** A person at a page, whose clicks and keys are counted. */
import type { Locator, Page } from 'playwright-core';

export interface Cost {
  readonly clicks: number;
  readonly keys: number;
}

export class Gestures {
  readonly page: Page;
  private clicks = 0;
  private keys = 0;

  constructor(page: Page) {
    this.page = page;
  }

  get cost(): Cost {
    return { clicks: this.clicks, keys: this.keys };
  }

  async click(target: Locator): Promise<void> {
    this.clicks++;
    await target.click();
  }

  /** Types into what has the focus, each character a key. */
  async type(text: string): Promise<void> {
    this.keys += text.length;
    await this.page.keyboard.type(text);
  }

  /** As {@link type}, all at once: a list of suggestions does not come between two characters. */
  async write(text: string): Promise<void> {
    this.keys += text.length;
    await this.page.keyboard.insertText(text);
  }

  /** Keys that are held together count as one. */
  async press(key: string): Promise<void> {
    this.keys++;
    await this.page.keyboard.press(key);
  }

  /** Opens a list and picks an entry. */
  async pick(list: Locator, value: string): Promise<void> {
    this.clicks += 2;
    await list.selectOption(value);
  }

  /** Points at a place. It costs nothing. */
  async point(target: Locator, x: number, y: number): Promise<void> {
    await target.hover({ position: { x, y } });
  }

  /** Drags from one place to another, which counts as one click. */
  async drag(target: Locator, from: number, to: number): Promise<void> {
    this.clicks++;
    const box = await target.boundingBox();
    if (box === null) throw new Error('what is to be dragged over is not visible');
    const y = box.y + box.height / 2;
    await this.page.mouse.move(box.x + from, y);
    await this.page.mouse.down();
    await this.page.mouse.move(box.x + to, y, { steps: 5 });
    await this.page.mouse.up();
  }
}
