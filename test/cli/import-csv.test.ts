/** `tidemark import --csv`, and import from files. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { FakeStore } from '../support/fake-store.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';
import { runInProcess } from './run-in-process.ts';

const rooms = 'time=ts,value=v,labels=room;floor';

describe('tidemark import --csv', () => {
  const importCsv = async (input: string | Readable, columns = rooms, ...args: string[]) => {
    const store = new FakeStore();
    const outcome = await runInProcess(['import', './data', '--csv', columns, ...args], { store, input });
    return { ...outcome, contents: store.contents() };
  };
  const timesOf = (contents: Record<string, [number, string][]>) =>
    Object.values(contents).flatMap((samples) => samples.map(([time]) => time));

  it('takes values with labels from columns, in any order of columns, quoted ones too', async () => {
    const input =
      'floor,ts,note,v,room\r\n1,2023-11-14T22:13:20Z,,21.5,kitchen\r\n,2023-11-14T22:13:20.250Z,x,-0,"bath, ""upper""\r\nwing"\r\n';
    const { exitCode, err, contents } = await importCsv(input);
    expect({ exitCode, err }).to.deep.equal({ exitCode: 0, err: 'Imported 2 samples of 2 series.\n' });
    expect(Object.values(contents)).to.deep.equal([
      [[1_700_000_000_000, '4035800000000000']],
      [[1_700_000_000_250, '8000000000000000']],
    ]);
    expect(Object.keys(contents)[0]).to.equal('v{floor="1",room="kitchen"}');
    expect(Object.keys(contents)[1]).to.contain('room="bath, \\"upper\\"\\nwing"');
  });

  it('takes seconds, milliseconds and RFC 3339', async () => {
    const lines = ['1700000000', '1700000000.125', '1700000001000', '2023-11-14T23:13:22+01:00'];
    const { contents } = await importCsv(`ts,v\n${lines.map((time) => `${time},1`).join('\n')}\n`, 'time=ts,value=v');
    expect(timesOf(contents)).to.deep.equal([
      1_700_000_000_000, 1_700_000_000_125, 1_700_000_001_000, 1_700_000_002_000,
    ]);
    const named = await importCsv('ts,v\n5000,1\n', 'time=ts,value=v,unit=ms');
    expect(timesOf(named.contents)).to.deep.equal([5000]);
  });

  it('makes a metric of each value column, or of the name that is given, and leaves out empty cells', async () => {
    const input = 'ts,temperature,humidity,kind\n1700000000,21,,a\n1700000001,,40,b\n';
    const several = await importCsv(input, 'time=ts,value=temperature;humidity');
    expect(Object.keys(several.contents)).to.deep.equal(['temperature', 'humidity']);
    const named = await importCsv(input, 'time=ts,value=temperature,name=room_temperature_celsius,labels=kind');
    expect(Object.keys(named.contents)).to.deep.equal(['room_temperature_celsius{kind="a"}']);
  });

  it('names bad lines, keeps the rest, and exits with 3', async () => {
    const input = ['ts,v', '1700000000,1', 'noon,2', '1700000001,x', '1,2,3', '"a"b,1', '1700000002,4', '"open,5'];
    const { exitCode, err, out } = await importCsv(input.join('\n'), 'time=ts,value=v', '--json');
    expect(exitCode).to.equal(3);
    expect(err).to.equal(
      [
        'Imported 2 samples of 1 series.',
        'line 3: column "ts": "noon" is no number of seconds or milliseconds, and no RFC 3339 time',
        'line 4: column "v": "x" is not a number',
        'line 5: the record has 3 fields, but the header has 2',
        'line 6: column 4: text after the end of a quoted field',
        'line 8: a quoted field is not closed',
        '',
      ].join('\n'),
    );
    expect(JSON.parse(out)).to.include({ lines: 8, samples: 2, badLines: 5 });
  });

  it('names the first line of a bad record of several lines', async () => {
    const { err } = await importCsv('ts,v,w\n1700000000,x,"a\nb\nc"\n1700000001,1,\n', 'time=ts,value=v');
    expect(err).to.contain('line 2: column "v"');
  });

  it('refuses a header without the columns as a whole', async () => {
    const { exitCode, err } = await importCsv('time,value\n1,2\n');
    expect(exitCode).to.equal(1);
    expect(err).to.contain('line 1: the header has no column "ts"; it has "time", "value"');
    expect((await importCsv('ts,v,v\n1,2,3\n', 'time=ts,value=v')).err).to.contain('the header has "v" twice');
  });

  it('says what is wrong with the columns', async () => {
    for (const [columns, message] of [
      ['value=v', 'time=COLUMN is missing'],
      ['time=ts', 'value=COLUMN is missing'],
      ['time=ts,value=v,unit=h', 'unit is s or ms, not "h"'],
      ['time=ts,time=t,value=v', 'time is given twice'],
      ['ts,v', '"ts" is none of time=…'],
    ]) {
      const { exitCode, err } = await importCsv('', columns);
      expect(exitCode, columns).to.equal(2);
      expect(err).to.contain(message);
    }
    const both = await importCsv('', rooms, '--format', 'json');
    expect(both.exitCode).to.equal(2);
    expect(both.err).to.contain('--csv is a format of its own');
  });

  it('undoes gzip', async () => {
    const { contents } = await importCsv(Readable.from([gzipSync('ts,v\n1700000000,1\n')]), 'time=ts,value=v');
    expect(timesOf(contents)).to.deep.equal([1_700_000_000_000]);
  });
});

describe('tidemark import from files', () => {
  after(removeTemporaryDirectories);

  it('reads one after the other, each in its format, and names it in the result', async () => {
    const directory = temporaryDirectory();
    const [lines, text] = [join(directory, 'lines.jsonl.gz'), join(directory, 'text.prom')];
    writeFileSync(lines, gzipSync('{"metric":{"__name__":"a"},"values":[1],"timestamps":[1]}\n'));
    writeFileSync(text, 'b 1 1700000000000\nb x\n');
    const store = new FakeStore();
    const { exitCode, err, out } = await runInProcess(['import', './data', lines, text, '--json'], { store });
    expect(exitCode).to.equal(3);
    expect(err).to.equal(
      `${lines}: Imported 1 sample of 1 series.\n${text}: Imported 1 sample of 1 series.\n${text}: line 2: column 3: "x" is not a number\n`,
    );
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).file),
    ).to.deep.equal([lines, text]);
    expect(Object.keys(store.contents())).to.deep.equal(['a', 'b']);
    const missing = await runInProcess(['import', './data', join(directory, 'none')], { store });
    expect(missing.exitCode).to.equal(1);
    expect(missing.err).to.contain('there is no such file');
  });
});
