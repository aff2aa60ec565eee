/**
 * Escapes names for readers of text formats that support only classic names, as Prometheus 3 does. A reader states the
 * form it wants in its Accept header: `escaping=allow-utf-8`, `underscores`, `dots` or `values`.
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

/** The name in the reader's form. A classic name is unchanged, except that `dots` doubles underscores. */
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

/** The original of a name in the `values` form; `undefined` if the text is not in that form. */
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
