/** Finds a key that an object in a JSON text has twice. JSON.parse does not report this; it keeps the last value. */

/** The position after the string that begins at `start`. */
const endOfString = (text: string, start: number): number => {
  let position = start + 1;
  while (text[position] !== '"') position += text[position] === '\\' ? 2 : 1;
  return position + 1;
};

/** The first key that occurs twice in one object, or `undefined`. `text` must be valid JSON. */
export const repeatedKey = (text: string): string | undefined => {
  /** The keys of each object that is open at the current position; `undefined` for an array. */
  const open: (Set<string> | undefined)[] = [];
  let lastString = '';
  for (let position = 0; position < text.length; position++) {
    const character = text[position];
    if (character === '"') {
      const end = endOfString(text, position);
      lastString = text.slice(position, end);
      position = end - 1;
    } else if (character === '{') open.push(new Set());
    else if (character === '[') open.push(undefined);
    else if (character === '}' || character === ']') open.pop();
    else if (character === ':') {
      const key = JSON.parse(lastString) as string;
      const keys = open.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return undefined;
};
