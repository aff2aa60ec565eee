/**
 * Builds dist/lib/, the code that the package ships: the entry points of package.json's `exports` and `bin`, and the
 * thread of the series files. They are few, readable files with shared chunks and no source maps. Dependencies stay
 * imports. Of RxJS only what is used is built in, except its core classes: a stream of the store must be an instance of
 * the `Observable` that the program has.
 *
 * An entry point's source is found from its `types`, and its file in dist/lib/ from its `default`.
 */
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';
import { pagesFolder } from './pages.mjs';

const root = join(import.meta.dirname, '..');
const inRoot = (...path) => join(root, ...path);
const manifest = () => JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));

const nameIn = (file, what) => {
  if (!/^\.\/dist\/lib\/[\w-]+\.js$/.test(file))
    throw new Error(`package.json: ${what} is ${file}; allowed: ./dist/lib/NAME.js, which the build writes`);
  return basename(file, '.js');
};

/** The sources by the name of the file in dist/lib/. */
const entryPointsOf = ({ exports }) => ({
  cli: inRoot('src', 'cli', 'main.ts'),
  'series-file-thread': inRoot('src', 'disk', 'series-files', 'series-file-thread.ts'),
  ...Object.fromEntries(
    Object.entries(exports)
      .filter(([, target]) => typeof target === 'object')
      .map(([path, { types, default: file }]) => [
        nameIn(file, `exports["${path}"].default`),
        inRoot(types.replace(/^\.\/dist\//, '').replace(/\.d\.ts$/, '.ts')),
      ]),
  ),
});

/** In the package the version is known, and no file is read for it. */
const constants = (version) => ({
  name: 'constants',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]src[\\/]ports[\\/]version\.ts$/ }, () => ({
      contents: `export const version = ${JSON.stringify(version)};`,
    }));
  },
});

/**
 * Gathers what `index.js` loads in few chunks, because each one costs a program the time to find, read and link it.
 *
 * esbuild makes a chunk for each set of entry points that reach the same code, and a dynamic import is an entry point,
 * too. So what is loaded only beside the store is made to reach the whole store, and what programs load alone is made to
 * reach the same few small files. These imports bring nothing into a chunk, because the package has no side effects.
 */
const machineNames = ['series-machine', 'store-machine', 'forward-machine'];
const alone = new Set([...machineNames, 'series-file-thread', 'text']);
const small = [
  'model/errors',
  'model/invalid-option',
  'model/grown',
  'model/byte-order',
  'ports/clock',
  'async/sort-with-pauses',
];

const reached = (name, entryPoints) => {
  if (name === 'index') return [];
  if (!alone.has(name)) return [entryPoints.index];
  const others = machineNames.includes(name) ? machineNames.map((machine) => entryPoints[machine]) : [];
  return [...small.map((file) => inRoot('src', `${file}.ts`)), ...others];
};

const importing = (files) => files.map((file) => `import ${JSON.stringify(file)};\n`).join('');

const gathering = (entryPoints) => ({
  name: 'gathering',
  setup({ onLoad, onResolve }) {
    const names = new Map(Object.entries(entryPoints).map(([name, file]) => [file, name]));
    onLoad({ filter: /\.ts$/, namespace: 'file' }, ({ path }) => {
      if (!names.has(path)) return undefined;
      const source = readFileSync(path, 'utf8');
      return { contents: `${source}\n${importing(reached(names.get(path), entryPoints))}`, loader: 'ts' };
    });
    onResolve({ filter: /^\.{1,2}\/.*\.ts$/ }, ({ path, kind, resolveDir }) => {
      const file = resolve(resolveDir, path);
      return kind === 'dynamic-import' && !names.has(file) ? { path: file, namespace: 'loaded-later' } : undefined;
    });
    onLoad({ filter: /.*/, namespace: 'loaded-later' }, ({ path }) => ({
      contents: `${importing([entryPoints.index])}export * from ${JSON.stringify(path)};`,
      resolveDir: dirname(path),
    }));
  },
});

const rxjsCore = /[\\/]internal[\\/](Observable|Subject|Subscriber|Subscription|config)(\.js)?$/;
const rxjsInside = /[\\/]rxjs[\\/]dist[\\/]esm[\\/]/;

const rxjs = {
  name: 'rxjs',
  setup({ onResolve }) {
    onResolve({ filter: /^rxjs$/ }, () => ({
      path: inRoot('node_modules', 'rxjs', 'dist', 'esm', 'index.js'),
      sideEffects: false,
    }));
    onResolve({ filter: /^\./ }, ({ path, resolveDir, importer }) => {
      if (!rxjsInside.test(importer)) return undefined;
      const core = rxjsCore.exec(resolve(resolveDir, path));
      if (core !== null) return { path: `rxjs/internal/${core[1]}`, external: true, sideEffects: false };
      return { path: `${resolve(resolveDir, path).replace(/\.js$/, '')}.js`, sideEffects: false };
    });
  },
};

const pages = () => {
  cpSync(pagesFolder, inRoot('dist', 'lib', 'pages'), { recursive: true });
};

/** The declarations that the entry points reach; the package ships no others. */
const removeUnreachableTypes = ({ exports }) => {
  const reached = new Set();
  const follow = (file) => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const [, target] of readFileSync(file, 'utf8').matchAll(/(?:from |import\()['"](\.[^'"]+)\.ts['"]/g))
      follow(resolve(file, '..', `${target}.d.ts`));
  };
  for (const target of Object.values(exports)) if (typeof target === 'object') follow(inRoot(target.types));
  for (const name of readdirSync(inRoot('dist'), { recursive: true })) {
    const file = inRoot('dist', name);
    if (name.endsWith('.d.ts') && !reached.has(file)) rmSync(file);
  }
};

export const bundle = async () => {
  const described = manifest();
  const entryPoints = entryPointsOf(described);
  await build({
    entryPoints,
    outdir: inRoot('dist', 'lib'),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    // One letter beyond Latin-1 would double the memory of a file's text, and the time to decode it.
    charset: 'ascii',
    legalComments: 'none',
    packages: 'external',
    chunkNames: 'chunk-[hash]',
    plugins: [constants(described.version), gathering(entryPoints), rxjs],
    logLevel: 'warning',
    logOverride: { 'ignored-bare-import': 'silent' },
    tsconfig: inRoot('tsconfig.json'),
  });
  pages();
  removeUnreachableTypes(described);
};
