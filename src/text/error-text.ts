/** Errors as the command line and the pages' server show them. */
import { textOf } from '../model/errors.ts';
import { cutText } from '../model/shown-value.ts';

export { codeOf } from '../model/errors.ts';

/** A message may quote an argument or a parameter of any length. */
const MESSAGE_CHARACTERS_MAX = 2000;

export const cutMessage = (text: string): string => cutText(text, MESSAGE_CHARACTERS_MAX);

/** An error's message, or the text of any other thrown value. */
export const messageOf = (error: unknown): string => cutMessage(textOf(error));
