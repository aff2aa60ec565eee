import { expect } from 'chai';
import { helpColumns, wrap } from '../../src/cli/help.ts';
import { nearest } from '../../src/cli/suggest.ts';
import { verbs } from '../../src/cli/verbs.ts';
import { runInProcess } from './run-in-process.ts';

const widest = (text: string): number => Math.max(...text.split('\n').map((line) => line.length));

describe('the help of the command line', () => {
  it('lists every verb on standard output', async () => {
    const { exitCode, out, err } = await runInProcess(['--help']);
    expect({ exitCode, err }).to.deep.equal({ exitCode: 0, err: '' });
    for (const { name } of verbs) expect(out).to.match(new RegExp(`^  ${name} `, 'm'));
    expect(widest(out)).to.be.at.most(helpColumns);
  });

  for (const { name, options, positionals } of verbs)
    it(`of ${name} names its arguments and options in 80 columns`, async () => {
      const { exitCode, out } = await runInProcess([name, '--help']);
      expect(exitCode).to.equal(0);
      expect(out).to.match(new RegExp(`^usage: tidemark ${name}`));
      for (const option of Object.keys(options)) expect(out).to.contain(`--${option}`);
      for (const positional of positionals) expect(out).to.contain(positional.name);
      expect(widest(out), out).to.be.at.most(helpColumns);
    });

  it('goes to standard error, with exit code 2, when no verb was given', async () => {
    const { exitCode, out, err } = await runInProcess([]);
    expect({ exitCode, out }).to.deep.equal({ exitCode: 2, out: '' });
    expect(err).to.contain('usage: tidemark VERB');
  });

  it('prints the version', async () => {
    expect((await runInProcess(['--version'])).out).to.match(/^tidemark \d+\.\d+\.\d+\n$/);
  });

  it('breaks lines at blanks', () => {
    expect(wrap('one two three', 7)).to.deep.equal(['one two', 'three']);
    expect(wrap('extraordinarily long', 5)).to.deep.equal(['extraordinarily', 'long']);
  });
});

describe('wrong usage', () => {
  it('suggests the verb that was probably meant', async () => {
    const { exitCode, err } = await runInProcess(['dmup', './data']);
    expect(exitCode).to.equal(2);
    expect(err).to.equal('tidemark: There is no verb "dmup". Did you mean dump?\n');
  });

  it('suggests nothing for what resembles no verb', async () => {
    expect((await runInProcess(['frobnicate'])).err).to.contain('tidemark --help lists the verbs');
  });

  const cases: readonly (readonly [string[], RegExp])[] = [
    [['dump'], /DIR is missing\.\nusage: tidemark dump DIR/],
    [['info', 'a', 'b'], /"b" is one argument too many/],
    [['dump', 'd', '--nonsense'], /Unknown option '--nonsense'/],
    [['info', 'd', '--jsn'], /Unknown option '--jsn'\. Did you mean --json\?/],
    [['dump', 'd', '--from'], /--from.*argument missing/],
    [['machines', '--format', 'png'], /--format takes one of mermaid, json, js/],
    [['completion', 'fish'], /SHELL is one of bash, zsh/],
    [['events', 'd', '--from', 'x'], /--from takes a whole number/],
    [['quarantine', 'd', '--read', 'xyz'], /fingerprint of 16 hex digits/],
  ];
  for (const [args, message] of cases)
    it(`is said in a sentence with the usage: tidemark ${args.join(' ')}`, async () => {
      const { exitCode, out, err } = await runInProcess(args);
      expect({ exitCode, out }).to.deep.equal({ exitCode: 2, out: '' });
      expect(err).to.match(message);
      expect(err).not.to.contain('    at ');
    });

  it('finds the nearest name by edits and by beginning', () => {
    expect(nearest('quaratine', ['quarantine', 'dump'])).to.equal('quarantine');
    expect(nearest('imp', ['import', 'info'])).to.equal('import');
    expect(nearest('x', ['dump'])).to.equal(undefined);
  });
});
