/**
 * Label sets. Inside the store a label set is a flat array of strings, names and values in turn, sorted by name in
 * UTF-16 code unit order, without empty values: `['__name__', 'up', 'job', 'node']`. At the door it is a plain object.
 */

/** A label set as users give it: label names to values. `__name__` is the metric's name. Empty values count as absent. */
export type Labels = Readonly<Record<string, string>>;

/** A label set as the store keeps it: name, value, name, value …, sorted by name; no empty values; never changed. */
export type LabelPairs = readonly string[];
