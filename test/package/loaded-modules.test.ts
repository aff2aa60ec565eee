/** What a program loads that only appends: not the query language, not prom-client, no thread. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';

/** Prints the files of the package that are loaded at three moments, as the inspector of V8 reports them. */
const program = `
import { Session } from 'node:inspector';
const [entry, directory] = process.argv.slice(1);
const loaded = [];
const threads = [];
process.on('worker', () => threads.push(1));
const session = new Session();
session.connect();
session.on('Debugger.scriptParsed', ({ params }) => loaded.push(params.url));
session.post('Debugger.enable');
const moments = {};
const note = (moment) => { moments[moment] = loaded.filter((url) => url.startsWith('file:')); };
const { openStore } = await import(entry);
note('imported');
const store = await openStore(directory);
store.append({ __name__: 'up' }, Date.now(), 1);
await store.flush();
for await (const series of store.select('up')) series.labels;
note('appended');
moments.threads = threads.length;
await store.query('up');
note('asked');
store.registry;
note('measured');
await store.close();
process.stdout.write(JSON.stringify(moments));
`;

type Moment = 'imported' | 'appended' | 'asked' | 'measured';

describe('a program that uses the store', () => {
  const run = (entry: string): Readonly<Record<Moment, string[]>> & { readonly threads: number } => {
    const directory = mkdtempSync(join(tmpdir(), 'tidemark-loaded-'));
    try {
      const { stdout, stderr } = spawnSync(
        process.execPath,
        ['--input-type=module', '--eval', program, pathToFileURL(entry).href, join(directory, 'store')],
        { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } },
      );
      expect(stderr).to.equal('');
      return JSON.parse(stdout);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  };

  it('loads PromQL with the first query and prom-client with the registry, not with what an append needs', () => {
    const moments = run(join(process.cwd(), 'dist', 'src', 'index.js'));
    expect(moments.imported.some((url) => url.endsWith('/src/store/store.js'))).to.equal(true);
    const ofPromql = (urls: readonly string[]): string[] => urls.filter((url) => url.includes('/src/promql/'));
    expect(ofPromql(moments.imported)).to.deep.equal([]);
    expect(ofPromql(moments.appended)).to.deep.equal([]);
    expect(ofPromql(moments.asked)).to.have.length.above(10);
    const ofPromClient = (urls: readonly string[]): string[] => urls.filter((url) => url.includes('/prom-client/'));
    expect(ofPromClient(moments.asked)).to.deep.equal([]);
    expect(ofPromClient(moments.measured)).to.have.length.above(5);
    expect(moments.threads).to.equal(0);
  });

  it('finds, reads and links few files of the package, until it asks for more', () => {
    const ofPackage = (urls: readonly string[]): string[] => urls.filter((url) => url.includes('/dist/lib/'));
    const { imported, appended, asked } = run(join(process.cwd(), 'dist', 'lib', 'index.js'));
    expect(ofPackage(imported)).to.have.length.within(1, 5);
    expect(ofPackage(appended)).to.deep.equal(ofPackage(imported));
    expect(ofPackage(asked)).to.have.length.above(ofPackage(appended).length);
    // V8 keeps a text with one letter beyond Latin-1 in twice the memory, comments included.
    for (const url of ofPackage(imported)) expect(readFileSync(new URL(url), 'utf8'), url).to.not.match(/[^\0-\x7f]/);
  });
});
