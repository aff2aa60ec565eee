/** Long expressions: parsed with pauses, in time that grows with their length. */
import { expect } from 'chai';
import { parse, parseWithPauses } from '../../../src/promql/syntax/parse.ts';
import { print } from '../../../src/promql/syntax/print.ts';

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

const path = 'p'.repeat(120);
const hosts = numbers(11_000).map((i) => `host-${i}\\\\.example`);

const long: Readonly<Record<string, string>> = {
  'selectors joined by or': numbers(900)
    .map((i) => `rate(http_requests_total{job="api",instance="host-${i}",path="${path}"}[5m])`)
    .join(' or '),
  'labels of a grouping': `sum by (${numbers(20_000)
    .map((i) => `label${i}`)
    .join(', ')}) (a)`,
  'matchers of a selector': `a{${numbers(8000)
    .map((i) => `label${i}="value${i}"`)
    .join(',')}}`,
  'arguments of a function': `label_join(a, "x", "-", ${numbers(20_000)
    .map((i) => `"l${i}"`)
    .join(', ')})`,
  'regular expressions': numbers(900)
    .map((i) => `a{b=~"x.*${i}.+",c!~"${i}|${i}${i}"}`)
    .join(' + '),
};

describe('a long expression', () => {
  for (const [what, text] of Object.entries(long))
    it(`is parsed with pauses: ${what}`, async () => {
      let pauses = 0;
      const expr = await parseWithPauses(text, async () => {
        pauses++;
      });
      expect(text.length).to.be.within(30_000, 256 * 1024);
      // About eight characters are a token here, or fewer.
      expect(pauses).to.be.above(text.length / 16_000);
      expect(print(expr)).to.equal(print(parse(text)));
    });

  it('may have a list of hosts of 200 KB', () => {
    const text = `up{host=~"(${hosts.join('|')})"}`;
    expect(text.length).to.be.above(200_000);
    expect(() => parse(text)).not.to.throw();
  });

  for (const [what, text] of Object.entries({
    parentheses: `${'('.repeat(990)}a${')'.repeat(990)}`,
    calls: `${'abs('.repeat(990)}a${')'.repeat(990)}`,
    aggregations: `${'sum by (b) ('.repeat(990)}a${')'.repeat(990)}`,
    signs: `${'-'.repeat(990)}a`,
    powers: `1${' ^ 1'.repeat(490)}`,
  }))
    it(`may be nested deeply: ${what}`, async () => {
      const expr = await parseWithPauses(text, async () => {});
      expect(print(expr)).to.equal(print(parse(text)));
    });

  it('that is short is parsed without a pause', async () => {
    await parseWithPauses('sum by (job) (rate(http_requests_total[5m]))', () => expect.fail('a pause'));
  });

  it('ends with the error of a pause, such as that of a query that was aborted', async () => {
    const gone = new Error('aborted');
    const error: unknown = await parseWithPauses(long['selectors joined by or'], () => Promise.reject(gone)).catch(
      (reason: unknown) => reason,
    );
    expect(error).to.equal(gone);
  });
});
