/**
 * The names of the simulated disk: a tree of directories, live and durable. Creating, renaming and removing change the
 * live tree and are kept as pending changes. Syncing a directory makes its pending changes durable. On loss of power
 * every pending change is kept or lost independently: a later change may survive without an earlier one, so renames may
 * be reordered. A rename is one change, in one directory or two, as in a journaling file system.
 *
 * Syncing a file does not make its name durable, and syncing a directory does not make the directory's own name in its
 * parent durable: POSIX promises neither.
 */
import type { Prng } from './prng.ts';
import type { SimulatedFile } from './simulated-file.ts';

export type Node = SimulatedFile | SimulatedDirectory;

export class SimulatedDirectory {
  readonly live = new Map<string, Node>();
  readonly durable = new Map<string, Node>();
}

/** The place of a name: its directory and the name in it. */
export interface Place {
  readonly directory: SimulatedDirectory;
  readonly name: string;
}

/** A change of names that is not durable yet: `node` leaves `from`, if it is set, and appears at `to`, if it is set. */
interface PendingChange {
  readonly node: Node;
  readonly from: Place | undefined;
  readonly to: Place | undefined;
}

/** Which pending changes survive a loss of power. */
type Survival = 'none' | 'all' | 'some' | 'firstOnes';

export class SimulatedNamespace {
  readonly root = new SimulatedDirectory();
  /** Symbolic links in the root to other names in the root. They exist from the beginning, and are not listed. */
  readonly links = new Map<string, string>();
  private pending: PendingChange[] = [];

  /** Number of changes of names that a loss of power now could undo. */
  get pendingCount(): number {
    return this.pending.length;
  }

  find(path: string): Node | undefined {
    let node: Node | undefined = this.root;
    for (const name of this.realNamesOf(path)) {
      if (!(node instanceof SimulatedDirectory)) return undefined;
      node = node.live.get(name);
    }
    return node;
  }

  /** The place of a path whose parent must be a directory; an errno code if it is not. */
  place(path: string): Place | 'ENOENT' | 'ENOTDIR' {
    const names = this.realNamesOf(path);
    const name = names.pop();
    if (name === undefined) return 'ENOENT';
    const directory = this.find(names.join('/'));
    if (directory === undefined) return 'ENOENT';
    return directory instanceof SimulatedDirectory ? { directory, name } : 'ENOTDIR';
  }

  /** The names of a path from the root, with links resolved. */
  realNamesOf(path: string): string[] {
    const [first, ...others] = namesOf(path);
    return first === undefined ? [] : [this.links.get(first) ?? first, ...others];
  }

  create(to: Place, node: Node): void {
    to.directory.live.set(to.name, node);
    this.pending.push({ node, from: undefined, to });
  }

  remove(from: Place, node: Node): void {
    from.directory.live.delete(from.name);
    this.pending.push({ node, from, to: undefined });
  }

  rename(from: Place, to: Place, node: Node): void {
    from.directory.live.delete(from.name);
    to.directory.live.set(to.name, node);
    this.pending.push({ node, from, to });
  }

  /** The changes that no sync has made durable. */
  pendingNow(): ReadonlySet<object> {
    return new Set(this.pending);
  }

  /**
   * Makes the pending changes of one directory durable, and the earlier changes that they build on: those of the same
   * node, and those of the same name, which would otherwise be applied over a later change. A sync that has run for a
   * while passes on what was pending when it began.
   */
  sync(directory: SimulatedDirectory, begun: ReadonlySet<object> = this.pendingNow()): void {
    const nodes = new Set<Node>();
    const places: Place[] = [];
    const committed = new Set<PendingChange>();
    for (let index = this.pending.length - 1; index >= 0; index--) {
      const change = this.pending[index];
      if (!begun.has(change)) continue;
      const isBuiltOn = nodes.has(change.node) || placesOf(change).some((place) => isAmong(places, place));
      if (!touches(change, directory) && !isBuiltOn) continue;
      nodes.add(change.node);
      places.push(...placesOf(change));
      committed.add(change);
    }
    for (const change of this.pending) if (committed.has(change)) apply(change);
    this.pending = this.pending.filter((change) => !committed.has(change));
  }

  /** Loses power: the tree becomes what is durable, plus a random part of the pending changes. */
  losePower(prng: Prng): void {
    const survival = prng.weighted<Survival>({ none: 2, all: 2, some: 3, firstOnes: 2 });
    const firstCount = prng.below(this.pending.length + 1);
    for (const [index, change] of this.pending.entries()) {
      const kept =
        survival === 'all' ||
        (survival === 'firstOnes' && index < firstCount) ||
        (survival === 'some' && prng.chance(0.5));
      if (kept) apply(change);
    }
    this.pending = [];
    restore(this.root);
  }

  /** Every file that has a name, or may have one after a loss of power. */
  everyFile(): SimulatedFile[] {
    const seen = new Set<Node>();
    const visit = (node: Node): void => {
      if (seen.has(node)) return;
      seen.add(node);
      if (!(node instanceof SimulatedDirectory)) return;
      for (const below of [...node.live.values(), ...node.durable.values()]) visit(below);
    };
    visit(this.root);
    for (const change of this.pending) visit(change.node);
    return [...seen].filter((node): node is SimulatedFile => !(node instanceof SimulatedDirectory));
  }

  /** Every file below a directory with its path, in name order. */
  *files(directory: SimulatedDirectory = this.root, path = ''): Generator<[string, SimulatedFile]> {
    for (const name of [...directory.live.keys()].sort()) {
      const node = directory.live.get(name)!;
      if (node instanceof SimulatedDirectory) yield* this.files(node, `${path}/${name}`);
      else yield [`${path}/${name}`, node];
    }
  }
}

/** The names of a path from the root, without drive letters, empty names and `.`. */
export const namesOf = (path: string): string[] => {
  const names: string[] = [];
  for (const name of path.split(/[/\\]/)) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.' && !name.endsWith(':')) names.push(name);
  }
  return names;
};

const placesOf = ({ from, to }: PendingChange): Place[] => [from, to].filter((place) => place !== undefined);

const isAmong = (places: readonly Place[], { directory, name }: Place): boolean =>
  places.some((place) => place.directory === directory && place.name === name);

const touches = (change: PendingChange, directory: SimulatedDirectory): boolean =>
  placesOf(change).some((place) => place.directory === directory);

const apply = ({ node, from, to }: PendingChange): void => {
  if (from !== undefined && from.directory.durable.get(from.name) === node) from.directory.durable.delete(from.name);
  to?.directory.durable.set(to.name, node);
};

const restore = (directory: SimulatedDirectory): void => {
  directory.live.clear();
  for (const [name, node] of directory.durable) {
    directory.live.set(name, node);
    if (node instanceof SimulatedDirectory) restore(node);
  }
};
