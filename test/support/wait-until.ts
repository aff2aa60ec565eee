/** Waits for what happens by itself. */
import { setTimeout as pause } from 'node:timers/promises';

/** Resolves when the condition holds; the timeout of the test bounds it. */
export const waitUntil = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await holds())) await pause(10);
};
