/** What a program loads that only appends: not the query language, not prom-client, no thread. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
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

describe('a program that uses the store', () => {
  it('loads PromQL with the first query and prom-client with the registry, not with what an append needs', () => {
    const directory = mkdtempSync(join(tmpdir(), 'tidemark-loaded-'));
    try {
      const entry = pathToFileURL(join(process.cwd(), 'dist', 'src', 'index.js')).href;
      const { stdout, stderr } = spawnSync(
        process.execPath,
        ['--input-type=module', '--eval', program, entry, join(directory, 'store')],
        { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } },
      );
      expect(stderr).to.equal('');
      const moments = JSON.parse(stdout) as Record<'imported' | 'appended' | 'asked' | 'measured', string[]> & {
        readonly threads: number;
      };
      const ofPromql = (urls: readonly string[]): string[] => urls.filter((url) => url.includes('/src/promql/'));
      expect(moments.imported.some((url) => url.endsWith('/src/store/store.js'))).to.equal(true);
      expect(ofPromql(moments.imported)).to.deep.equal([]);
      expect(ofPromql(moments.appended)).to.deep.equal([]);
      expect(ofPromql(moments.asked)).to.have.length.above(10);
      const ofPromClient = (urls: readonly string[]): string[] => urls.filter((url) => url.includes('/prom-client/'));
      expect(ofPromClient(moments.asked)).to.deep.equal([]);
      expect(ofPromClient(moments.measured)).to.have.length.above(5);
      expect(moments.threads).to.equal(0);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
