/**
 * Builds the pages that the server shows: bundles and minifies the TypeScript and the style sheet of src/ui, each page a
 * file of its own that is loaded when it is shown, and puts the files of src/ui/public beside them. uPlot is built in.
 *
 * All scripts are in one folder: they find the server from the address of their own file.
 */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const inRoot = (...path) => join(root, ...path);

/** Where the compiled server looks for the pages. */
export const pagesFolder = inRoot('dist', 'src', 'ui', 'public');

export const buildPages = async () => {
  cpSync(inRoot('src', 'ui', 'public'), pagesFolder, { recursive: true });
  cpSync(inRoot('node_modules', 'uplot', 'LICENSE'), join(pagesFolder, 'uPlot.LICENSE'));
  await build({
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
  });
};
