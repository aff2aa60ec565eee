/**
 * A YAML text as a plain tree that knows the place of each part, so that messages can name line and column. The `yaml`
 * package is loaded only here, and only when a text is read.
 */
import type { Node as YamlNode } from 'yaml';

/** Where a part of a text begins; both are counted from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export type Tree =
  | { readonly kind: 'map'; readonly place: Place; readonly entries: readonly TreeEntry[] }
  | { readonly kind: 'list'; readonly place: Place; readonly items: readonly Tree[] }
  | {
      readonly kind: 'scalar';
      readonly place: Place;
      /** The text as it is written, without quotes; empty for null. */
      readonly text: string;
      readonly type: 'string' | 'number' | 'boolean' | 'null';
    };

export interface TreeEntry {
  readonly key: string;
  readonly place: Place;
  readonly value: Tree;
}

/** One thing that is wrong with a text. */
export interface Problem extends Place {
  readonly message: string;
}

/** Text of a rule file or a test file that is read at most. */
export const YAML_LENGTH_MAX = 16 * 1024 * 1024;
/** Parts of a tree, aliases followed, so that a short text with many aliases does not take all memory. */
const PARTS_MAX = 1_000_000;
const DEPTH_MAX = 50;

/** The tree of a text with one document; `undefined` in `tree` for an empty document, or if there are problems. */
export const parseYaml = async (
  text: string,
): Promise<{ readonly tree: Tree | undefined; readonly problems: readonly Problem[] }> => {
  if (text.length > YAML_LENGTH_MAX) {
    return {
      tree: undefined,
      problems: [{ line: 1, column: 1, message: `longer than ${YAML_LENGTH_MAX} characters` }],
    };
  }
  const { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments } = await import('yaml');
  const lineCounter = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter, merge: true, uniqueKeys: true, logLevel: 'silent' });
  const placeAt = (offset: number): Place => {
    const { line, col } = lineCounter.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const problems: Problem[] = [];
  if (!Array.isArray(documents) || documents.length === 0) return { tree: undefined, problems };
  // As in Prometheus, further documents are not read.
  const [document] = documents;
  for (const { message, pos } of document.errors) {
    problems.push({ ...placeAt(pos[0]), message: message.split('\n')[0].replace(/ at line \d+, column \d+:?$/, '') });
  }
  if (problems.length > 0) return { tree: undefined, problems };
  let parts = 0;
  const convert = (node: YamlNode | null | undefined, around: Place, depth: number): Tree => {
    const place = node?.range ? placeAt(node.range[0]) : around;
    if (++parts > PARTS_MAX) throw new TooManyParts(place);
    if (depth > DEPTH_MAX) throw new TooManyParts(place);
    if (isAlias(node)) return convert(node.resolve(document), place, depth + 1);
    if (isMap(node)) {
      const entries = node.items.map(({ key, value }) => {
        const name = convert(key as YamlNode, place, depth + 1);
        if (name.kind !== 'scalar') throw new TooManyParts(name.place);
        return { key: name.text, place: name.place, value: convert(value as YamlNode, name.place, depth + 1) };
      });
      return { kind: 'map', place, entries: entries.flatMap((entry) => merged(entry)) };
    }
    if (isSeq(node))
      return { kind: 'list', place, items: node.items.map((item) => convert(item as YamlNode, place, depth + 1)) };
    if (!isScalar(node) || node.value === null) return { kind: 'scalar', place, text: '', type: 'null' };
    const type = typeof node.value;
    const isOther = type === 'number' || type === 'bigint' || type === 'boolean';
    // The key of a merge is a symbol.
    const isWritten = (isOther || type === 'symbol') && node.source !== undefined;
    const written = isWritten ? String(node.source) : String(node.value);
    return { kind: 'scalar', place, text: written, type: type === 'boolean' ? type : isOther ? 'number' : 'string' };
  };
  try {
    return {
      tree: document.contents === null ? undefined : convert(document.contents as YamlNode, placeAt(0), 0),
      problems,
    };
  } catch (error) {
    if (!(error instanceof TooManyParts)) throw error;
    return {
      tree: undefined,
      problems: [{ ...error.place, message: 'nested too deeply, too many parts, or a key that is not text' }],
    };
  }
};

/** The entries that `<<: *anchor` stands for. */
const merged = (entry: TreeEntry): readonly TreeEntry[] => {
  if (entry.key !== '<<') return [entry];
  if (entry.value.kind === 'map') return entry.value.entries;
  return entry.value.kind === 'list'
    ? entry.value.items.flatMap((item) => (item.kind === 'map' ? item.entries : []))
    : [];
};

class TooManyParts extends Error {
  readonly place: Place;

  constructor(place: Place) {
    super('the text has too many parts');
    this.place = place;
  }
}
