/** Go's `printf`: the verbs and flags that templates use. As in Go, a mistake is part of the text: `%!d(string=x)`. */
import { quoteLikeGo } from '../../model/quote-like-go.ts';
import { formatG } from '../../promql/engine/go-text.ts';
import { exponential, fixed, general } from './go-floats.ts';
import { TemplateError } from './template-error.ts';
import { isList, isMap, isStruct, isTime, type TemplateValue, textOfValue, typeNameOf } from './template-values.ts';

/** Characters of padding or digits that a format may ask for. */
const WIDTH_MAX = 10_000;

const directive = /%([-+# 0]*)(\d+|\*)?(?:\.(\d+|\*)?)?([a-zA-Z%]?)/gs;

interface Format {
  readonly flags: string;
  readonly width: number | undefined;
  readonly precision: number | undefined;
  readonly verb: string;
}

export const goPrintf = (format: string, values: readonly TemplateValue[]): string => {
  let next = 0;
  const takeNumber = (text: string | undefined): number | undefined => {
    if (text === undefined) return undefined;
    const number = text === '*' ? Number(values[next++]) : Number(text);
    if (!(Math.abs(number) <= WIDTH_MAX))
      throw new TemplateError(`printf: a width of ${text}; allowed: up to ${WIDTH_MAX}`);
    return number;
  };
  const text = format.replace(
    directive,
    (whole, flags: string, width: string | undefined, digits: string | undefined, verb: string) => {
      if (verb === '%') return '%';
      if (verb === '') return '%!(NOVERB)';
      const given = takeNumber(width);
      const precision = takeNumber(digits) ?? (whole.includes('.') ? 0 : undefined);
      if (next >= values.length) return `%!${verb}(MISSING)`;
      return padded(formatOne({ flags, width: given, precision, verb }, values[next++]), {
        flags,
        width: given,
        precision,
        verb,
      });
    },
  );
  if (next >= values.length) return text;
  const extra = values.slice(next).map((value) => `${typeNameOf(value)}=${textOfValue(value)}`);
  return `${text}%!(EXTRA ${extra.join(', ')})`;
};

const padded = (text: string, { flags, width, verb }: Format): string => {
  const missing = (width ?? 0) - [...text].length;
  if (missing <= 0) return text;
  if (flags.includes('-')) return text + ' '.repeat(missing);
  if (!flags.includes('0') || /^[+-]?(?:Inf|NaN)$/.test(text) || 'sqvc'.includes(verb))
    return ' '.repeat(missing) + text;
  const sign = /^[+\- ]/.exec(text)?.[0] ?? '';
  return sign + '0'.repeat(missing) + text.slice(sign.length);
};

const formatOne = (format: Format, value: TemplateValue): string => {
  const { flags, precision, verb } = format;
  if (isList(value)) return `[${value.map((item) => formatOne(format, item)).join(' ')}]`;
  if (isMap(value) || isStruct(value)) return verb === 'v' || verb === 's' ? textOfValue(value) : mismatch(verb, value);
  if (verb === 'v')
    return typeof value === 'number'
      ? signed(formatG(value), flags)
      : value === undefined
        ? '<nil>'
        : textOfValue(value);
  if (verb === 'T') return typeNameOf(value);
  switch (typeof value) {
    case 'string':
      return formatText(verb, value, precision);
    case 'number':
      return formatFloat(format, value);
    case 'bigint':
      return formatInteger(format, value);
    case 'boolean':
      return verb === 't' ? String(value) : mismatch(verb, value);
    default:
      return isTime(value) && verb === 's' ? textOfValue(value) : mismatch(verb, value);
  }
};

const mismatch = (verb: string, value: TemplateValue): string =>
  value === undefined ? `%!${verb}(<nil>)` : `%!${verb}(${typeNameOf(value)}=${textOfValue(value)})`;

const formatText = (verb: string, value: string, precision: number | undefined): string => {
  const text = precision === undefined ? value : [...value].slice(0, precision).join('');
  switch (verb) {
    case 's':
      return text;
    case 'q':
      return quoteLikeGo(text);
    case 'x':
      return Buffer.from(text).toString('hex');
    case 'X':
      return Buffer.from(text).toString('hex').toUpperCase();
    default:
      return mismatch(verb, value);
  }
};

const formatFloat = ({ flags, precision, verb }: Format, value: number): string => {
  switch (verb) {
    case 'f':
    case 'F':
      return signed(fixed(value, precision ?? 6), flags);
    case 'e':
      return signed(exponential(value, precision ?? 6), flags);
    case 'E':
      return signed(exponential(value, precision ?? 6).toUpperCase(), flags);
    case 'g':
      return signed(precision === undefined ? formatG(value) : general(value, precision), flags);
    case 'G':
      return signed((precision === undefined ? formatG(value) : general(value, precision)).toUpperCase(), flags);
    default:
      return mismatch(verb, value);
  }
};

const formatInteger = ({ flags, precision, verb }: Format, value: bigint): string => {
  const radix: Readonly<Record<string, number>> = { d: 10, b: 2, o: 8, x: 16, X: 16 };
  if (verb === 'c' || verb === 'q') {
    const character = value >= 0n && value <= 0x10ffffn ? String.fromCodePoint(Number(value)) : '\ufffd';
    return verb === 'c' ? character : `'${character}'`;
  }
  if (verb === 'U') return `U+${value.toString(16).toUpperCase().padStart(4, '0')}`;
  if (!(verb in radix)) return mismatch(verb, value);
  const size = (value < 0n ? -value : value).toString(radix[verb]).padStart(precision ?? 0, '0');
  const prefix = flags.includes('#') && radix[verb] === 16 ? '0x' : '';
  return signed((value < 0n ? '-' : '') + prefix + (verb === 'X' ? size.toUpperCase() : size), flags);
};

const signed = (text: string, flags: string): string => {
  // Infinity has its sign always, as in Go.
  if (/^[+-]/.test(text)) return text;
  if (flags.includes('+')) return `+${text}`;
  return flags.includes(' ') ? ` ${text}` : text;
};
