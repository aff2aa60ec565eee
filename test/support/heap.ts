/** What work leaves on the JavaScript heap, for tests of what is shared: a program can't tell equal strings apart. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes that `work` has added to the heap once garbage is collected. */
export const heapGrowth = (work: () => void): number => {
  const before = heapUsed();
  work();
  return heapUsed() - before;
};

/** A new string object, equal to `text`. */
export const ownString = (text: string): string => Buffer.from(text).toString();

const heapUsed = (): number => {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
};
