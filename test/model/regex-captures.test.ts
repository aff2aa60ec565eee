import { expect } from 'chai';
import { compileCapturing } from '../../src/model/regex-captures.ts';

/** Pattern, text, and the texts of the groups; JavaScript gives the same for all of these. */
const table: readonly (readonly [string, string, readonly string[] | undefined])[] = [
  ['(.*)-(\\d+)', 'node-7', ['node-7', 'node', '7']],
  ['(.*)(\\d*)', 'node7', ['node7', 'node7', '']],
  ['(.*?)(\\d*)', 'node77', ['node77', 'node', '77']],
  ['(a|ab)(c|bcd)(d*)', 'abcd', ['abcd', 'a', 'bcd', '']],
  ['(a)|(b)', 'b', ['b', '', 'b']],
  ['(a+?)(a*)', 'aaa', ['aaa', 'a', 'aa']],
  ['(a{2,3}?)(a*)', 'aaaa', ['aaaa', 'aa', 'aa']],
  ['(a??)(a?)', 'a', ['a', '', 'a']],
  ['((x)(y))z', 'xyz', ['xyz', 'xy', 'x', 'y']],
  ['node', 'node-7', undefined],
  ['', '', ['']],
  ['(\\w+)\\b(.*)', 'ab cd', ['ab cd', 'ab', ' cd']],
  ['(.*)\\n(.*)', 'a\nb', ['a\nb', 'a', 'b']],
  ['(.)(ü+)', '😀üü', ['😀üü', '😀', 'üü']],
];

describe('regular expressions with groups', () => {
  for (const [pattern, text, groups] of table) {
    it(`${pattern} over ${JSON.stringify(text)}`, () => {
      expect(compileCapturing(pattern).match(text)).to.deep.equal(groups);
      const native = new RegExp(`^(?:${pattern})$`, 'su').exec(text);
      expect(native?.map((group) => group ?? '')).to.deep.equal(groups);
    });
  }

  it('know the names of groups', () => {
    const regex = compileCapturing('(?P<host>[^:]+):(?<port>\\d+)(?:x)?');
    expect([...regex.names]).to.deep.equal([
      ['host', 1],
      ['port', 2],
    ]);
    expect(regex.match('node:90')).to.deep.equal(['node:90', 'node', '90']);
  });

  it('keep the last text of a group in a repetition', () => {
    expect(compileCapturing('(?:(a|b))*').match('aab')).to.deep.equal(['aab', 'b']);
  });

  it('end in time whatever the expression', () => {
    const text = 'a'.repeat(2000);
    expect(compileCapturing('(a*)*b').match(text)).to.equal(undefined);
    expect(compileCapturing('(a|a)*(a?)').match(text)?.[0]).to.equal(text);
  });
});
