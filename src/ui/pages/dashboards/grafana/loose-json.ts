/** Reads fields of JSON whose shape nobody promises: a field of another type counts as missing. */

export type LooseObject = Readonly<Record<string, unknown>>;

const nothing: LooseObject = {};

export const isObject = (value: unknown): value is LooseObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const objectOf = (value: unknown): LooseObject => (isObject(value) ? value : nothing);

/** A field of an object, and of objects inside it; `undefined` where there is none. */
export const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (inner, name) => (isObject(inner) && Object.hasOwn(inner, name) ? inner[name] : undefined),
    value,
  );

export const textAt = (value: unknown, ...path: readonly string[]): string => {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : '';
};

export const numberAt = (value: unknown, ...path: readonly string[]): number | undefined => {
  const found = at(value, ...path);
  return typeof found === 'number' && Number.isFinite(found) ? found : undefined;
};

export const listAt = (value: unknown, ...path: readonly string[]): readonly unknown[] => {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
};

export const objectsAt = (value: unknown, ...path: readonly string[]): readonly LooseObject[] =>
  listAt(value, ...path).filter(isObject);
