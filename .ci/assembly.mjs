/**
 * Compiles src/chunk/assembly/varbit-loop.ts, which is AssemblyScript, and writes the WebAssembly module into
 * src/chunk/varbit-module.ts. The result is part of the repository: building needs no compiler for it, and a test says
 * when it is not what its source makes (test/chunk/varbit-module.test.ts).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileString } from 'assemblyscript/asc';

const folder = join(import.meta.dirname, '..', 'src', 'chunk');

/** The module, in base64. */
export const compileVarbit = async () => {
  const source = readFileSync(join(folder, 'assembly', 'varbit-loop.ts'), 'utf8');
  const { error, binary, stderr } = await compileString(source, {
    optimizeLevel: 3,
    noAssert: true,
    runtime: 'stub',
    // Pages of 64 KiB: what the source says of its memory, and nothing else.
    initialMemory: 33,
    maximumMemory: 33,
  });
  if (error !== null) throw new Error(`The decoder can not be compiled: ${stderr}`);
  return Buffer.from(binary).toString('base64');
};

if (process.argv[1] === import.meta.filename)
  writeFileSync(
    join(folder, 'varbit-module.ts'),
    `/** The WebAssembly module of assembly/varbit-loop.ts, in base64. Written by .ci/assembly.mjs. */
export const varbitModule =
  '${await compileVarbit()}';
`,
  );
