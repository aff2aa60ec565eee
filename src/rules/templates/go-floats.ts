/** Floats with a given number of digits, as Go's `%e`, `%f` and `%g` write them: a half is rounded to the even digit. */

const DIGITS_MAX = 60;
/** Digits beyond those asked for that show whether a number lies exactly between two. */
const MORE_DIGITS = 30;

const exponentText = (exponent: number): string =>
  `e${exponent < 0 ? '-' : '+'}${Math.abs(exponent).toString().padStart(2, '0')}`;

const signOf = (x: number): string => (x < 0 || Object.is(x, -0) ? '-' : '');

const specialOf = (x: number): string | undefined => {
  if (Number.isNaN(x)) return 'NaN';
  if (Number.isFinite(x)) return undefined;
  return x > 0 ? '+Inf' : '-Inf';
};

/** `digits` after the point, at most 60. */
export const fixed = (x: number, digits: number): string => {
  const special = specialOf(x);
  if (special !== undefined) return special;
  const places = Math.min(digits, DIGITS_MAX);
  const size = Math.abs(x);
  if (size >= 1e21) return signOf(x) + BigInt(size).toString() + (places > 0 ? `.${'0'.repeat(places)}` : '');
  return signOf(x) + halfToEven(size.toFixed(places), size.toFixed(places + MORE_DIGITS), places);
};

/** One digit before the point, `digits` after it. */
export const exponential = (x: number, digits: number): string => {
  const special = specialOf(x);
  if (special !== undefined) return special;
  const { mantissa, exponent } = scientific(Math.abs(x), digits);
  return signOf(x) + mantissa + exponentText(exponent);
};

/** `digits` in all, without zeros at the end. */
export const general = (x: number, digits: number): string => {
  const special = specialOf(x);
  if (special !== undefined) return special;
  const count = Math.max(1, digits);
  if (x === 0) return `${signOf(x)}0`;
  const { mantissa, exponent } = scientific(Math.abs(x), count - 1);
  if (exponent < -4 || exponent >= count) return signOf(x) + withoutZeros(mantissa) + exponentText(exponent);
  return signOf(x) + withoutZeros(fixed(Math.abs(x), count - 1 - exponent));
};

const withoutZeros = (text: string): string => (text.includes('.') ? text.replace(/\.?0+$/, '') : text);

const scientific = (size: number, digits: number): { readonly mantissa: string; readonly exponent: number } => {
  const places = Math.min(digits, DIGITS_MAX);
  const [rounded, power] = size.toExponential(places).split('e');
  const [exact, exactPower] = size.toExponential(places + MORE_DIGITS).split('e');
  // When rounding added a digit before the point, the number was no tie with an odd digit.
  if (power !== exactPower) return { mantissa: rounded, exponent: Number(power) };
  return { mantissa: halfToEven(rounded, exact, places), exponent: Number(power) };
};

/** JavaScript rounds a half up. If the number is exactly a half, the digit before it must be even. */
const halfToEven = (rounded: string, exact: string, places: number): string => {
  const kept = exact.length - MORE_DIGITS - (places === 0 ? 1 : 0);
  const truncated = exact.slice(0, kept);
  const rest = exact.slice(exact.length - MORE_DIGITS);
  if (!/^50*$/.test(rest)) return rounded;
  return Number(truncated.at(-1)) % 2 === 0 ? truncated : rounded;
};
