/** Copies the elements of a full typed array to the beginning of a longer one of the same type; returns the longer one. */
export const grown = <T extends Column<T>>(from: T, to: T): T => {
  to.set(from);
  return to;
};

interface Column<Self> {
  set(from: Self): void;
}
