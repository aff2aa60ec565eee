/**
 * What is published, used as a stranger would: packed, installed into an empty project, the README's first program run
 * as it stands there, the types compiled against.
 */
import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect } from 'chai';
import { ConsumerProject } from './consumer.ts';
import { codeBlocks } from './markdown.ts';

const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

describe('the packed tarball', function () {
  this.timeout(300_000);
  let project: ConsumerProject;
  let tarball: string;

  before(async () => {
    project = new ConsumerProject();
    const packed = await project.run(
      npm,
      ['pack', '--ignore-scripts', '--pack-destination', project.directory],
      process.cwd(),
    );
    expect(packed.exitCode, packed.output).to.equal(0);
    tarball = readdirSync(project.directory).find((name) => name.endsWith('.tgz')) ?? '';
    const installed = await project.run(npm, [
      'install',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
      '--omit=dev',
      join(project.directory, tarball),
    ]);
    expect(installed.exitCode, installed.output).to.equal(0);
  });

  after(() => project.remove());

  const installedFiles = (): string[] =>
    readdirSync(join(project.directory, 'node_modules', 'tidemark'), { recursive: true, encoding: 'utf8' });

  it('holds what the package needs and none of its tests', () => {
    const files = installedFiles();
    expect(files).to.include.members(['README.md', 'LICENSE', 'CHANGELOG.md', join('dist', 'src', 'index.d.ts')]);
    expect(files.filter((path) => path.startsWith(join('dist', 'test')) || path.startsWith('test'))).to.deep.equal([]);
    expect(files.filter((path) => basename(path).startsWith('.'))).to.deep.equal([]);
    // Few files of code, and none that only a debugger of Tidemark needs.
    expect(files.filter((path) => path.endsWith('.map'))).to.deep.equal([]);
    expect(files).to.include(join('dist', 'lib', 'pages', 'app.js'));
    expect(files.filter((path) => path.includes(join('src', 'ui')))).to.deep.equal([]);
    const code = files.filter((path) => path.endsWith('.js') && !path.startsWith(join('dist', 'lib', 'pages')));
    expect(code.filter((path) => !path.startsWith(join('dist', 'lib')))).to.deep.equal([]);
    expect(code).to.have.length.below(80);
  });

  it('is small', () => {
    expect(statSync(join(project.directory, tarball)).size).to.be.below(1_500_000);
  });

  it("runs the README's first program, pasted into a file", async () => {
    const [first] = codeBlocks('README.md').filter(({ language }) => language === 'js');
    project.write('first.mjs', first.code);
    const { exitCode, output } = await project.runProgram('first.mjs');
    expect(exitCode, output).to.equal(0);
    expect(output).to.include('kitchen');
  });

  it('has types that a strict program compiles against, with nothing left as any', async () => {
    project.write('typed.ts', typedProgram);
    const { output } = await project.compile('--noEmit');
    expect(output).to.equal('');
  });

  it('has declarations without errors of their own', async () => {
    const { output } = await project.compile('--noEmit', '--skipLibCheck', 'false');
    const own = output.split('\n').filter((line) => line.startsWith('node_modules/tidemark/'));
    expect(own).to.deep.equal([]);
  });

  it('has the command line', async () => {
    const bin = join(project.directory, 'node_modules', '.bin', 'tidemark');
    const { exitCode, output } = await project.run(process.platform === 'win32' ? `${bin}.cmd` : bin, ['--version']);
    expect(exitCode, output).to.equal(0);
    expect(output).to.match(/\d+\.\d+\.\d+/);
  });

  it('has the statecharts as entry points of their own', async () => {
    project.write(
      'machines.mjs',
      `import * as series from 'tidemark/machines/series';
       import * as store from 'tidemark/machines/store';
       console.log(Object.keys(series).length > 0 && Object.keys(store).length > 0);`,
    );
    const { exitCode, output } = await project.runProgram('machines.mjs');
    expect(exitCode, output).to.equal(0);
    expect(output.trim()).to.equal('true');
  });
});

/** Every line that must not compile is marked; a type that had become `any` would make such a mark an error. */
const typedProgram = `
import { openStore, TidemarkError, type Labels, type SeriesSamples, type Store, type StoreOptions } from 'tidemark';

const options: StoreOptions = { retention: '15d', chunkEncoding: 'varbit', durability: 'interval' };
// @ts-expect-error there is no such encoding
const wrongOption: StoreOptions = { chunkEncoding: 'gorilla' };
// @ts-expect-error an option that is absent is left out, not undefined
const wrongAbsence: StoreOptions = { retention: undefined };

export const use = async (): Promise<number> => {
  await using store: Store = await openStore('./data', options);
  const labels: Labels = { __name__: 'up' };
  store.append(labels, 1000, 1);
  // @ts-expect-error values are numbers
  store.append(labels, 1000, '1');
  const accepted: number = store.appendBatch([{ labels, timestamp: 2000, value: 1 }]).accepted;
  let count = accepted;
  for await (const series of store.select('up', { from: 0 })) {
    const typed: SeriesSamples = series;
    // @ts-expect-error the labels of an answer are read-only
    typed.labels['job'] = 'x';
    count += typed.values.length;
  }
  store.events$.subscribe((event) => {
    if (event.type === 'seriesCreated') console.log(event.labels['__name__']);
    // @ts-expect-error there is no such event
    if (event.type === 'seriesCreate') console.log(event);
  });
  return count;
};

export const codeOf = (error: unknown): string => (error instanceof TidemarkError ? error.code : 'unknown');
export { wrongAbsence, wrongOption };
`;
