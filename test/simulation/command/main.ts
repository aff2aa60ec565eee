/** `npm run simulate`. */
import { runInThisProcess } from '../../../src/cli/command-process.ts';
import { runOneVerb } from '../../../src/cli/run.ts';
import { simulate } from './simulate.ts';

await runInThisProcess((args, surroundings) => runOneVerb(simulate, args, surroundings));
