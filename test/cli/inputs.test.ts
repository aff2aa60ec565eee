/** What the verbs say about arguments and inputs that are not what they take. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import * as library from '../../src/index.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';
import { runInProcess } from './run-in-process.ts';

const rules = 'groups: [{name: g, rules: [{record: a, expr: up}]}]\n';

describe('arguments and inputs of the command', () => {
  let folder: string;
  let data: string;

  beforeEach(() => {
    folder = temporaryDirectory();
    data = join(folder, 'data');
  });

  afterEach(removeTemporaryDirectories);

  const cli = (args: readonly string[], input = '') => runInProcess(args, { library, input });

  it('an address without http:// is no directory: import refuses it and says what to write', async () => {
    for (const target of ['127.0.0.1:9090/x', 'localhost:7480', '[::1]:7480/']) {
      const { exitCode, err } = await cli(['import', target], 'up 1\n');
      expect(exitCode).to.equal(2);
      expect(err).to.contain(`write http://${target}, for a directory of this name ./${target}`);
      expect(existsSync(target)).to.equal(false);
    }
  });

  it('a directory that has the form of an address is taken when it exists', async () => {
    const directory = join(folder, 'host:80');
    mkdirSync(directory);
    expect((await cli(['import', directory], 'up 1\n')).exitCode).to.equal(0);
  });

  it('a file that is a directory, or that is missing, is named', async () => {
    for (const args of [
      ['import', data, folder],
      ['rules', 'check', folder],
      ['rules', 'test', folder],
      ['promqltest', folder],
    ]) {
      const { exitCode, err } = await cli(args);
      expect(err).to.equal(`tidemark: ${folder} can't be read: it is a directory\n`);
      expect(exitCode).to.equal(1);
    }
    const missing = join(folder, 'none');
    for (const args of [
      ['import', data, missing],
      ['rules', 'check', missing],
      ['promqltest', missing],
    ])
      expect((await cli(args)).err).to.equal(`tidemark: ${missing} can't be read: there is no such file\n`);
    expect(existsSync(data), 'nothing was created').to.equal(false);
  });

  it('- is stdin', async () => {
    expect(await cli(['rules', 'check', '-'], rules)).to.deep.equal({
      exitCode: 0,
      out: 'stdin: 1 rule in 1 group\n',
      err: '',
    });
    expect((await cli(['import', data, '-'], 'up 1\n')).err).to.equal('Imported 1 sample of 1 series.\n');
    expect((await cli(['import', data, '-', '-'], 'up 1\n')).exitCode).to.equal(2);
  });

  it('CSV without --csv is recognized, and the option is named', async () => {
    const csv = 'ts,room,celsius\n2026-01-01T00:00:00Z,kitchen,21.5\n';
    const { exitCode, err } = await cli(['import', data], csv);
    expect(exitCode).to.equal(3);
    expect(err).to.contain('This looks like CSV with the columns ts, room, celsius. --csv ');
    const file = join(folder, 'a.csv');
    writeFileSync(file, csv.replaceAll(',', ';'));
    expect((await cli(['import', data, file])).err).to.contain('the columns ts, room, celsius');
  });

  it('other input that can not be read is not called CSV', async () => {
    for (const input of ['garbage\n', '{"metric":{"a":"b"},"values":[1],\n', '# a, b\nwhat is, this 1 2 3\n', ''])
      expect((await cli(['import', data], input)).err).not.to.contain('CSV');
  });

  it('an error of the disk names the file and the reason once', async () => {
    const { exitCode, err } = await cli(['import', join(folder, 'no', 'parent', 'x'.repeat(300))], 'up 1\n');
    expect(exitCode).to.equal(1);
    expect(err.match(/xxx+/g), err).to.have.length(1);
  });

  it('a value that begins with a dash is asked for as the option takes it', async () => {
    const { exitCode, err } = await cli(['events', folder, '--from', '-1']);
    expect(exitCode).to.equal(2);
    expect(err).to.contain('--from needs a value; one that begins with a dash is written --from=-1.');
  });

  it('an unknown or missing command of rules is answered with the commands', async () => {
    expect((await cli(['rules', 'foo'])).err).to.contain('COMMAND is one of check, test, backfill, not "foo".');
    expect((await cli(['rules'])).err).to.contain('COMMAND is missing; it is one of check, test, backfill.');
  });
});
