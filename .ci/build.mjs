/**
 * Builds dist/: compiles the TypeScript of src, machines, streams and test, builds the pages (pages.mjs), and builds what
 * the package ships (bundle.mjs). Starts from an empty dist/, so that no test of a deleted file runs on; does nothing when
 * dist/ was built from exactly these files (`--force` builds anyway).
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from './bundle.mjs';
import { buildPages } from './pages.mjs';

const root = join(import.meta.dirname, '..');
const inRoot = (...path) => join(root, ...path);

const stampPath = inRoot('dist', '.built-from');

/** One hash over path, size and modification time of everything that dist/ is made from. */
const stampOfSources = () => {
  const hash = createHash('sha256').update(process.version);
  const add = (path) => {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${path}\0${size}\0${mtimeMs}\n`);
  };
  for (const folder of ['src', 'machines', 'streams', 'test'].filter((name) => existsSync(inRoot(name)))) {
    const files = readdirSync(inRoot(folder), { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    const paths = files.map((entry) => join(entry.parentPath, entry.name));
    for (const path of paths.filter((path) => !path.startsWith(inRoot('test', 'fixtures'))).sort()) add(path);
  }
  for (const name of [
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    join('.ci', 'build.mjs'),
    join('.ci', 'bundle.mjs'),
    join('.ci', 'pages.mjs'),
  ])
    add(inRoot(name));
  return hash.digest('hex');
};

const compile = () => {
  const tsc = inRoot('node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-p', inRoot('tsconfig.json')], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};

const makeExecutable = () => {
  for (const bin of [inRoot('dist', 'src', 'cli', 'main.js'), inRoot('dist', 'lib', 'cli.js')])
    if (existsSync(bin)) chmodSync(bin, 0o755);
};

const stamp = stampOfSources();
const upToDate = existsSync(stampPath) && readFileSync(stampPath, 'utf8') === stamp;
if (!upToDate || process.argv.includes('--force')) {
  rmSync(inRoot('dist'), { recursive: true, force: true });
  compile();
  await buildPages();
  await bundle();
  makeExecutable();
  writeFileSync(stampPath, stamp);
}
