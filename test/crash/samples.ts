/**
 * The samples of the crash test, which are the same in every process. Time proceeds in rounds:
 *
 *   steady     a sample in every round
 *   passing    born in every round, a sample in each of four rounds, then idle; dropped in groups
 *   returning  a sample in every round, dropped now and then, and appended to again
 */
export type Kind = 'steady' | 'passing' | 'returning';

export const STEADY = 30;
export const RETURNING = 3;
export const BORN_PER_ROUND = 3;
const PASSING_ROUNDS = 4;
const ROUNDS_PER_GROUP = 8;
const BASE_MS = 1_700_000_000_000;
const ROUND_MS = 1000;

/** Names a series of the test: `steady/7`. */
export type Name = string;

export const nameOf = (kind: Kind, id: number): Name => `${kind}/${id}`;

const partsOf = (name: Name): { kind: Kind; id: number } => {
  const [kind, id] = name.split('/');
  return { kind: kind as Kind, id: Number(id) };
};

/** The round in which a series is born. */
export const bornIn = (name: Name): number => {
  const { kind, id } = partsOf(name);
  return kind === 'passing' ? Math.floor(id / BORN_PER_ROUND) : 0;
};

export const groupOf = (round: number): number => Math.floor(round / ROUNDS_PER_GROUP);

export const labelsOf = (name: Name): Record<string, string> => {
  const { kind, id } = partsOf(name);
  const group = kind === 'passing' ? { group: String(groupOf(bornIn(name))) } : {};
  return { __name__: kind, id: String(id), ...group };
};

/** The series with these labels; `undefined` if the test has no such series. */
export const nameOfLabels = (labels: Readonly<Record<string, string>>): Name | undefined => {
  const name = `${labels['__name__']}/${labels['id']}`;
  const wanted = Object.entries(labelsOf(name));
  const isOurs = /^(steady|passing|returning)\/\d+$/.test(name) && wanted.length === Object.keys(labels).length;
  return isOurs && wanted.every(([label, value]) => labels[label] === value) ? name : undefined;
};

/** Series of the group, which are dropped together. */
export const membersOf = (group: number): Name[] =>
  Array.from({ length: ROUNDS_PER_GROUP * BORN_PER_ROUND }, (_, i) =>
    nameOf('passing', group * ROUNDS_PER_GROUP * BORN_PER_ROUND + i),
  );

/** The series that get a sample in a round. A `passing` series gets samples only in the life that it was born in. */
export const seriesOf = (round: number, lifeBegan: number): Name[] => {
  const names: Name[] = [];
  for (let i = 0; i < STEADY; i++) names.push(nameOf('steady', i));
  for (let i = 0; i < RETURNING; i++) names.push(nameOf('returning', i));
  for (let born = Math.max(lifeBegan, round - PASSING_ROUNDS + 1); born <= round; born++) {
    for (let j = 0; j < BORN_PER_ROUND; j++) names.push(nameOf('passing', born * BORN_PER_ROUND + j));
  }
  return names;
};

const mix = (a: number, b: number): number => {
  const mixed = Math.imul(a + 1, 0x9e3779b1) ^ Math.imul(b + 7, 0x85ebca6b);
  return (mixed ^ (mixed >>> 15)) >>> 0;
};

export const sampleTime = (name: Name, round: number): number => {
  const { id } = partsOf(name);
  return BASE_MS + round * ROUND_MS + (id % 2 === 0 ? 0 : mix(id, round) % 9);
};

export const roundOf = (time: number): number => Math.floor((time - BASE_MS) / ROUND_MS);

/** Values of every kind that the chunk encodings treat differently. */
export const sampleValue = (name: Name, round: number): number => {
  const { id } = partsOf(name);
  const special = [0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324, 1e308];
  if (id % 5 === 0) return round;
  if (id % 5 === 1) return 42;
  if (id % 5 === 2) return Math.fround(Math.sin(round + id));
  if (id % 5 === 3) return special[mix(id, round) % special.length];
  return mix(id, round) / 2 ** 32;
};
