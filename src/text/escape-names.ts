/**
 * Names for readers of text formats that know only classic names, as Prometheus 3 escapes them. Which form a reader wants
 * stands in its Accept header: `escaping=allow-utf-8`, `underscores`, `dots` or `values`.
 *
 *   my.metric/µ   underscores: my_metric__   dots: my_dot_metric____   values: U__my_2e_metric_2f__b5_
 */

export const escapings = ['allow-utf-8', 'underscores', 'dots', 'values'] as const;
export type Escaping = (typeof escapings)[number];

const isClassic = (name: string): boolean => /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name);

const isClassicCharacter = (character: string, index: number): boolean =>
  /[a-zA-Z_:]/.test(character) || (index > 0 && /[0-9]/.test(character));

const mapCharacters = (name: string, other: (character: string) => string): string =>
  [...name].map((character, i) => (isClassicCharacter(character, i) ? character : other(character))).join('');

/** The name as the reader wants it; a classic name stays as it is, but for `dots`, which doubles underscores. */
export const escapeName = (name: string, escaping: Escaping): string => {
  switch (escaping) {
    case 'allow-utf-8':
      return name;
    case 'underscores':
      return isClassic(name) ? name : mapCharacters(name, () => '_');
    case 'dots':
      return [...name]
        .map((character, i) => {
          if (character === '_') return '__';
          if (character === '.') return '_dot_';
          return isClassicCharacter(character, i) ? character : '__';
        })
        .join('');
    case 'values':
      if (isClassic(name) && !name.startsWith('U__')) return name;
      return `U__${[...name].map(escapeByValue).join('')}`;
  }
};

const escapeByValue = (character: string, index: number): string => {
  if (character === '_') return '__';
  return isClassicCharacter(character, index) ? character : `_${character.codePointAt(0)?.toString(16)}_`;
};

/** The name that `values` escaping gave this one; `undefined` when the text is not of its form. */
export const unescapeName = (text: string): string | undefined => {
  if (!text.startsWith('U__')) return undefined;
  const escaped = text.slice('U__'.length);
  if (!/^(?:[a-zA-Z0-9:]|__|_[0-9a-fA-F]{1,6}_)*$/.test(escaped)) return undefined;
  let isValid = true;
  const name = escaped.replace(/__|_([0-9a-fA-F]{1,6})_/g, (_, hex: string | undefined) => {
    if (hex === undefined) return '_';
    const code = Number.parseInt(hex, 16);
    isValid &&= code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
    return isValid ? String.fromCodePoint(code) : '';
  });
  return isValid ? name : undefined;
};
