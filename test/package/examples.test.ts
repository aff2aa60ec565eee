/**
 * The examples of README.md and docs/api.md, and of every other page whose blocks are marked `ts`, are compiled with a
 * consumer's strict options and run. A block that does not open a store itself continues the program that its page
 * shows first.
 */
import { existsSync } from 'node:fs';
import { expect } from 'chai';
import { ConsumerProject } from './consumer.ts';
import { type CodeBlock, codeBlocks } from './markdown.ts';

const pagesWithExamples = [
  'README.md',
  'docs/api.md',
  'docs/errors.md',
  'docs/forwarding.md',
  'docs/http.md',
  'docs/inspecting.md',
  'docs/opentelemetry.md',
  'docs/promql.md',
  'docs/publishing.md',
  'docs/rules.md',
];

const programName = ({ page, line }: CodeBlock): string =>
  `${page.replace(/^docs\//, '').replace(/\W/g, '-')}-line-${line}`.toLowerCase();

/** What the block is compiled and run as: by itself when it opens a store, after the page's first block otherwise. */
const programOf = (block: CodeBlock, first: CodeBlock): string =>
  block.code.includes('openStore(') ? block.code : `${first.code}\n${block.code}`;

const isExample = ({ language }: CodeBlock): boolean => language === 'ts' || language === 'js';

/** Runs all programs named on its command line, one after the other, each in a folder of its own, in one process. */
const runner = `
import { mkdirSync } from 'node:fs';
for (const name of process.argv.slice(2)) {
  mkdirSync(name);
  process.chdir(name);
  let failure = '';
  try {
    await import(new URL(\`out/\${name}.js\`, import.meta.url));
  } catch (error) {
    failure = String(error?.stack ?? error);
  }
  process.chdir('..');
  process.send({ name, failure });
}
process.disconnect();
`;

describe('the examples of the documentation', function () {
  this.timeout(120_000);
  const examples = pagesWithExamples.filter(existsSync).flatMap((page) => {
    const blocks = codeBlocks(page).filter(isExample);
    return blocks.map((block) => ({ name: programName(block), program: programOf(block, blocks[0]) }));
  });
  let project: ConsumerProject;

  before(() => {
    project = new ConsumerProject();
    project.linkBuiltPackage();
    project.write('run.mjs', runner);
    // An empty export makes every example a module of its own, also when it imports nothing.
    for (const { name, program } of examples) project.write(`${name}.ts`, `${program}\nexport {};\n`);
  });

  after(() => project.remove());

  it('compile under strict options', async () => {
    expect(examples).to.have.length.above(20);
    const { output } = await project.compile();
    expect(output).to.equal('');
  });

  it('run', async () => {
    const names = examples.map(({ name }) => name);
    const { messages, exitCode, output } = await project.ask('run.mjs', names);
    const outcomes = messages as { name: string; failure: string }[];
    expect(outcomes.filter(({ failure }) => failure !== '')).to.deep.equal([]);
    // A promise that never settles ends the process early, with exit code 13.
    expect(
      outcomes.map(({ name }) => name),
      output,
    ).to.deep.equal(names);
    expect(exitCode, output).to.equal(0);
  });
});
