/** Comparing syntax trees. */

/** A copy without spans, and without what is only written differently. */
export const withoutSpans = (node: unknown): unknown => {
  if (Array.isArray(node)) return node.map(withoutSpans);
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(
    Object.entries(node)
      .filter(([key]) => key !== 'span' && key !== 'operatorSpan')
      .map(([key, value]) => [key, withoutSpans(value)]),
  );
};

/** The same with the matchers sorted, as printing sorts them. */
export const withSortedMatchers = (node: unknown): unknown => {
  if (Array.isArray(node)) return node.map(withSortedMatchers);
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(
    Object.entries(withoutSpans(node) as object).map(([key, value]) => {
      if (key !== 'matchers') return [key, withSortedMatchers(value)];
      const texts = (value as readonly unknown[]).map((matcher) => JSON.stringify(matcher));
      return [key, texts.sort()];
    }),
  );
};
