/**
 * A user's program in a bundle of esbuild's, run from a folder that is not the package's: what depends on files beside
 * the code finds them, or says at once what is missing. docs/bundling.md
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type BuildOptions, build } from 'esbuild';
import { ConsumerProject, type Outcome } from './consumer.ts';

/** Its samples are old, so maintenance closes their chunk and has the thread write it. */
const program = `
import { openStore } from 'tidemark';
import { Observable, map } from 'rxjs';

const store = await openStore('./data', { retention: 'off', headChunkTimeout: 1 });
let seen = 0;
if (!(store.events$ instanceof Observable)) throw new Error('a stream of another RxJS');
store.events$.pipe(map(({ type }) => type)).subscribe(() => seen++);
for (let i = 0; i < 3; i++) store.append({ __name__: 'up', job: 'x' }, Date.now() - 7_200_000 + i, i);
await store.flush();
await store.maintain();
for await (const { values } of store.select('up{job=~"x"}')) console.log('values', values.length);
console.log('query', (await store.query('count_over_time(up[3h])')).series.length);
console.log('events', seen > 0, 'metrics', store.registry.getMetricsAsArray().length > 50);
await store.close();
`;

const expected = ['values 3', 'query 1', 'events true metrics true', ''].join('\n');

describe('a program in a bundle', function () {
  this.timeout(120_000);
  let project: ConsumerProject;
  let elsewhere: string;

  beforeEach(() => {
    project = new ConsumerProject();
    project.linkBuiltPackage();
    project.write('program.mjs', program);
    elsewhere = mkdtempSync(join(tmpdir(), 'tidemark-bundle-'));
  });

  afterEach(() => {
    project.remove();
    rmSync(elsewhere, { recursive: true, force: true });
  });

  const bundled = async (options: BuildOptions): Promise<void> => {
    await build({
      entryPoints: [join(project.directory, 'program.mjs')],
      outfile: join(elsewhere, 'out', 'program.mjs'),
      bundle: true,
      format: 'esm',
      platform: 'node',
      logLevel: 'silent',
      ...options,
    });
  };

  const ran = (): Promise<Outcome> => project.run(process.execPath, [join(elsewhere, 'out', 'program.mjs')], elsewhere);

  const install = (...names: readonly string[]): void => {
    mkdirSync(join(elsewhere, 'node_modules'), { recursive: true });
    for (const name of names) {
      const from = name === 'tidemark' ? process.cwd() : join(process.cwd(), 'node_modules', name);
      symlinkSync(from, join(elsewhere, 'node_modules', name), 'junction');
    }
  };

  it('runs with the package left out of the bundle', async () => {
    await bundled({ packages: 'external' });
    install('tidemark', 'rxjs');
    const { exitCode, output } = await ran();
    expect(output).to.equal(expected);
    expect(exitCode).to.equal(0);
  });

  it('runs with the package in the bundle, and the thread beside it', async () => {
    await bundled({
      external: ['level', 'prom-client'],
    });
    install('level', 'prom-client');
    const missing = await ran();
    expect(missing.exitCode).to.equal(1);
    expect(missing.output).to.contain('TIDEMARK_MISSING_FILE').and.contain('series-file-thread.js');
    expect(existsSync(join(elsewhere, 'data'))).to.equal(false);

    await build({
      entryPoints: [join(project.directory, 'node_modules', 'tidemark', 'dist', 'lib', 'series-file-thread.js')],
      outfile: join(elsewhere, 'out', 'series-file-thread.js'),
      bundle: true,
      format: 'esm',
      platform: 'node',
      logLevel: 'silent',
    });
    // What lies beside a bundle is a module by the nearest package.json.
    writeFileSync(join(elsewhere, 'out', 'package.json'), '{ "type": "module" }');
    const { exitCode, output } = await ran();
    expect(output).to.equal(expected);
    expect(exitCode).to.equal(0);
  });

  it('runs with the package in the bundle, where the package is installed as well', async () => {
    await bundled({
      external: ['level', 'prom-client'],
    });
    install('level', 'prom-client', 'tidemark');
    const { exitCode, output } = await ran();
    expect(output).to.equal(expected);
    expect(exitCode).to.equal(0);
  });

  it('has its pages where dist/lib/pages was copied beside it', async () => {
    project.write(
      'program.mjs',
      `import { createHandler } from 'tidemark/http';
       import { openStore } from 'tidemark';
       const store = await openStore('./data');
       try { createHandler(store, { authorize: () => true }); console.log('pages'); }
       catch (error) { console.log(error.code); }
       await store.close();`,
    );
    await bundled({
      external: ['level', 'prom-client'],
    });
    install('level', 'prom-client');
    cpSync(
      join(process.cwd(), 'dist', 'lib', 'series-file-thread.js'),
      join(elsewhere, 'out', 'series-file-thread.js'),
    );
    expect((await ran()).output).to.equal('TIDEMARK_MISSING_FILE\n');
    cpSync(join(process.cwd(), 'dist', 'lib', 'pages'), join(elsewhere, 'out', 'pages'), { recursive: true });
    expect((await ran()).output).to.equal('pages\n');
  });
});
