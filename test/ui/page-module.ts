/** Modules of the pages for tests in Node.js: those that need no browser. They are built as the pages are. */
import { join } from 'node:path';
import { build } from 'esbuild';

/** The exports of a module, by its path in src/ui. */
export const pageModule = async <Exports>(path: string): Promise<Exports> => {
  const { outputFiles } = await build({
    entryPoints: [join(process.cwd(), 'src', 'ui', path)],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'neutral',
    target: 'es2023',
    logLevel: 'silent',
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
};
