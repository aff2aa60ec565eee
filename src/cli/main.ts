#!/usr/bin/env node
/** The `tidemark` command. */
import { runInThisProcess } from './command-process.ts';
import { run } from './run.ts';

await runInThisProcess(run);
