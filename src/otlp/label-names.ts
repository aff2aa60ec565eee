/**
 * Keys of attributes as names of Prometheus' labels: `http.route` is `http_route`, `1st` is `key_1st`, `_id` is `key_id`.
 * Keys repeat from point to point, so the names are kept.
 */

/** Beyond it the names are forgotten, so that a sender of ever new keys takes no memory. */
const KEPT_MAX = 10_000;

export class LabelNames {
  private readonly keepsCharacters: boolean;
  private readonly kept = new Map<string, string>();

  constructor(keepsCharacters: boolean) {
    this.keepsCharacters = keepsCharacters;
  }

  /** The name of the label; empty if nothing but underscores would be left of the key. */
  of(key: string): string {
    if (this.keepsCharacters) return key;
    const known = this.kept.get(key);
    if (known !== undefined) return known;
    const name = classicName(key);
    if (this.kept.size >= KEPT_MAX) this.kept.clear();
    this.kept.set(key, name);
    return name;
  }
}

const classicName = (key: string): string => {
  const name = key.replace(/[^a-zA-Z0-9_]/gu, '_');
  if (/^_*$/.test(name)) return '';
  if (/^[0-9]/.test(name)) return `key_${name}`;
  // Names with two underscores in front are reserved, and stay.
  return name.startsWith('_') && !name.startsWith('__') ? `key${name}` : name;
};
