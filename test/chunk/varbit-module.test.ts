import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { varbitModule } from '../../src/chunk/varbit-module.ts';

const root = join(import.meta.dirname, '..', '..', '..');

describe('the WebAssembly module of the varbit decoder', () => {
  it('is what the compiler makes of its source', async () => {
    const { compileVarbit } = await import(join(root, '.ci', 'assembly.mjs'));
    const compiled = await compileVarbit();
    expect(compiled, 'run: node .ci/assembly.mjs').to.equal(varbitModule);
  });

  it('is missed at the opening and by a check in a process without WebAssembly, not when a chunk is read', () => {
    const directory = mkdtempSync(join(tmpdir(), 'tidemark-'));
    const program = `const { checkDirectory, openStore } = await import('tidemark');
for (const enter of [openStore, checkDirectory])
  await enter(process.argv[1]).catch((error) => console.log(error.code, error.message));`;
    const flags = ['--jitless', '--no-warnings', '--input-type=module', '-e'];
    const { stdout } = spawnSync(process.execPath, [...flags, program, directory], { cwd: root, encoding: 'utf8' });
    rmSync(directory, { recursive: true });
    const line =
      "TIDEMARK_INVALID_OPTION Tidemark reads chunks with WebAssembly, which this process can't use: start Node.js without --jitless\n";
    expect(stdout).to.equal(line + line);
  });
});
