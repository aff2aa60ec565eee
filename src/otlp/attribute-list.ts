/**
 * The attributes of a point, a scope or a resource: keys and values as text, in two arrays that are used again. Attributes
 * that no label could hold are left out, and `problem` says so.
 */
import { LABEL_BYTES_MAX } from '../model/labels.ts';
import { type AnyValue, attributeText } from './attribute-text.ts';

/** A series may have this many labels. */
const ATTRIBUTE_COUNT_MAX = 1000;

export class AttributeList {
  readonly keys: string[] = [];
  readonly values: string[] = [];
  /** Characters of all keys and values. */
  characters = 0;
  /** Why an attribute is missing; `undefined` if none is. */
  problem: string | undefined;

  get length(): number {
    return this.keys.length;
  }

  clear(): void {
    this.keys.length = 0;
    this.values.length = 0;
    this.characters = 0;
    this.problem = undefined;
  }

  /** Whether another attribute has room. If not, the caller need not decode it. */
  hasRoom(): boolean {
    if (this.keys.length < ATTRIBUTE_COUNT_MAX) return true;
    this.problem ??= `there are more than ${ATTRIBUTE_COUNT_MAX} attributes`;
    return false;
  }

  add(key: string, value: AnyValue): void {
    const text = attributeText(value);
    const characters = key.length + (text?.length ?? 0);
    if (text === undefined || characters > this.charactersLeft) {
      this.leaveOut();
      return;
    }
    this.characters += characters;
    this.keys.push(key);
    this.values.push(text);
  }

  /** Characters that further attributes may have. */
  get charactersLeft(): number {
    return LABEL_BYTES_MAX - this.characters;
  }

  /** Notes that an attribute is larger than what is left. */
  leaveOut(): void {
    this.problem ??= `its attributes have more than ${LABEL_BYTES_MAX} bytes, or too many levels, for the labels of a series`;
  }

  /** The value of a key; `undefined` if there is none. */
  get(key: string): string | undefined {
    const index = this.keys.indexOf(key);
    return index < 0 ? undefined : this.values[index];
  }

  /** Sorts by key; equal keys stay in their order. */
  sort(): void {
    const { keys, values } = this;
    for (let i = 1; i < keys.length; i++) {
      const key = keys[i];
      if (keys[i - 1] <= key) continue;
      const value = values[i];
      let at = i;
      for (; at > 0 && keys[at - 1] > key; at--) {
        keys[at] = keys[at - 1];
        values[at] = values[at - 1];
      }
      keys[at] = key;
      values[at] = value;
    }
  }
}
