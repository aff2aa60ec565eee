/** Finds the name that is nearest to a mistyped one, by edit distance. */

/** How many insertions, deletions, replacements and swaps of neighbours turn `a` into `b`. */
const editDistance = (a: string, b: string): number => {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      current[j] = Math.min(previous[j] + 1, current[j - 1] + 1, replaced);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        current[j] = Math.min(current[j], beforePrevious[j - 2] + 1);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length];
};

/**
 * A name that begins with the given text; otherwise the nearest one, if it is at most two edits, and less than half,
 * away.
 */
export const nearest = (given: string, names: readonly string[]): string | undefined => {
  const started = names.find((name) => given.length >= 2 && name.startsWith(given));
  if (started !== undefined) return started;
  const [best] = names
    .map((name) => ({ name, distance: editDistance(given, name) }))
    .filter(({ name, distance }) => distance <= 2 && distance * 2 < name.length)
    .sort((a, b) => a.distance - b.distance);
  return best?.name;
};
