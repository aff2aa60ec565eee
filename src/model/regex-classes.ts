/**
 * The named character classes of RE2, each as the inside of a JavaScript class with the flag u: `\d`, `[:alpha:]`,
 * `\p{Greek}`. None is negated here. The parser records negation separately, because RE2 adds the other case of each
 * character before it negates.
 */

export const perlClasses: Readonly<Record<string, string>> = {
  d: '0-9',
  s: '\\t\\n\\f\\r\\x20',
  w: '0-9A-Za-z_',
};

export const posixClasses: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\0-\\x7f',
  blank: '\\t\\x20',
  cntrl: '\\0-\\x1f\\x7f',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: '\\x20-~',
  punct: '!-\\/:-@\\[-`\\{-~',
  space: '\\t-\\r\\x20',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

/** General categories that RE2 supports. Unlike in JavaScript, `C` has no unassigned characters. */
const categories: ReadonlySet<string> = new Set(
  'C Cc Cf Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs'.split(' '),
);
const assignedOther = '\\p{Cc}\\p{Cf}\\p{Co}\\p{Cs}';

/** Script names of up to four letters. JavaScript also accepts four-letter codes, such as Grek, that RE2 refuses. */
const shortScripts: ReadonlySet<string> = new Set(
  'Ahom Cham Han Kawi Lao Lisu Miao Modi Mro Newa Nko Thai Toto Vai Yi'.split(' '),
);

/** A character property as the inside of a JavaScript class; `undefined` for a name that RE2 does not support. */
export const propertySource = (name: string): string | undefined => {
  if (name === 'Any') return '\\0-\\u{10ffff}';
  if (name === 'C') return assignedOther;
  if (categories.has(name)) return `\\p{${name}}`;
  if (!/^[A-Z]/.test(name) || (name.length <= 4 && !shortScripts.has(name))) return undefined;
  const source = `\\p{Script=${name}}`;
  return isPattern(source) ? source : undefined;
};

const isPattern = (source: string): boolean => {
  try {
    return new RegExp(source, 'u') instanceof RegExp;
  } catch {
    return false;
  }
};
