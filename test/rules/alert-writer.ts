/**
 * The program that test/rules/kills.long.test.ts kills: a store whose rules fire and resolve all the time. Prints what is
 * delivered, one JSON object a line. Whether a condition holds follows from the wall clock alone, so that episodes go on
 * over restarts.
 */
import { writeSync } from 'node:fs';
import { openStore } from '../../src/index.ts';
import { startRules } from '../../src/rules/index.ts';

const PERIOD_MS = 9000;
const SERIES = 3;

const [directory, forMs] = process.argv.slice(2);

const store = await openStore(directory, { commitInterval: 20, retention: 'off' });
const append = (): void => {
  const now = Date.now();
  for (let n = 0; n < SERIES; n++) {
    const isHot = (now + (n * PERIOD_MS) / SERIES) % PERIOD_MS < (2 * PERIOD_MS) / 3;
    try {
      store.append({ __name__: 'load', n: String(n) }, now, isHot ? 1 : 0);
    } catch {
      // The same millisecond, or a clock that went back.
    }
  }
};
append();
await startRules(
  store,
  { name: 'g', interval: 50, rules: [{ alert: 'High', expr: 'load == 1', for: Number(forMs) }] },
  { onAlert: (event) => void writeSync(1, `${JSON.stringify(event)}\n`) },
);
writeSync(1, '"started"\n');
setInterval(append, 25);
