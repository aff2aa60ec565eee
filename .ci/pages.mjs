/**
 * Builds the pages that the server shows: bundles and minifies the TypeScript and the style sheet of src/ui, each page a
 * file of its own that is loaded when it is shown, and puts the files of src/ui/public beside them. The packages that
 * they use are built in; licenses.txt has their licenses.
 *
 * All scripts are in one folder: they find the server from the address of their own file.
 */
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const inRoot = (...path) => join(root, ...path);

/** Where the compiled server looks for the pages. */
export const pagesFolder = inRoot('dist', 'src', 'ui', 'public');

/** The licenses of the packages that are built in. */
const licensesOf = (inputs) => {
  const packages = inputs.map((path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]);
  const folders = [...new Set(packages.filter((path) => path !== undefined))].sort();
  return folders
    .map((folder) => {
      const file = readdirSync(inRoot(folder)).find((name) => /^licen[cs]e/i.test(name));
      if (file === undefined) throw new Error(`${folder} has no file with its license.`);
      return `${folder.replace(/^.*node_modules\//, '')}\n\n${readFileSync(inRoot(folder, file), 'utf8').trim()}\n`;
    })
    .join('\n----\n\n');
};

export const buildPages = async () => {
  cpSync(inRoot('src', 'ui', 'public'), pagesFolder, { recursive: true });
  const { metafile } = await build({
    entryPoints: { app: inRoot('src', 'ui', 'app.ts'), style: inRoot('src', 'ui', 'style.css') },
    outdir: pagesFolder,
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    // Of style sheets, nothing is rewritten for old browsers.
    target: 'es2023',
    charset: 'utf8',
    legalComments: 'none',
    chunkNames: '[name]-[hash]',
    logLevel: 'warning',
    tsconfig: inRoot('src', 'ui', 'tsconfig.json'),
    metafile: true,
  });
  writeFileSync(join(pagesFolder, 'licenses.txt'), licensesOf(Object.keys(metafile.inputs)));
};
