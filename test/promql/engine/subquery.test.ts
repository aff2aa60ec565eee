import { expect } from 'chai';
import { ask, failure, load } from './ask.ts';

describe('subqueries', () => {
  it('have steps that are multiples of the step, whatever the time of the query', async () => {
    const source = await load(10, ['a 0+1x100']);
    // Steps at 240, 300 and 360 s.
    expect(await ask(source, 'a[3m:1m]', { at: 361 })).to.deep.equal(['a 24 30 36']);
    expect(await ask(source, 'a[3m:]', { at: 361 })).to.deep.equal(['a 24 30 36']);
    expect(await ask(source, 'a[90s:1m] offset 1m', { at: 361 })).to.deep.equal(['a 24 30']);
    expect(await ask(source, 'a[2m:1m] @ 120', { at: 361 })).to.deep.equal(['a 6 12']);
  });

  it('leave out the left end, except with closed ranges', async () => {
    const source = await load(10, ['a 0+1x100']);
    expect(await ask(source, 'a[2m:1m]', { at: 360 })).to.deep.equal(['a 30 36']);
    expect(await ask(source, 'a[2m:1m]', { at: 360, options: { closedRanges: true } })).to.deep.equal(['a 24 30 36']);
  });

  it('work before 1970', async () => {
    const source = await load(10, ['a 1']);
    expect(await ask(source, 'count_over_time(vector(time())[2m:1m])', { at: -90 })).to.deep.equal(['{} 2']);
    expect(await ask(source, 'min_over_time(vector(time())[2m:1m])', { at: -90 })).to.deep.equal(['{} -180']);
  });

  it('are slid over by a range query', async () => {
    const source = await load(60, ['a 0+1x20']);
    expect(await ask(source, 'sum_over_time(a[2m:1m])', { from: 120, through: 240 })).to.deep.equal(['{} 3 5 7']);
    expect(await ask(source, 'max_over_time(rate(a[2m])[5m:1m])', { from: 600, through: 660 })).to.deep.equal([
      `{} ${1 / 60} ${1 / 60}`,
    ]);
  });

  it('give time() the inner time, and an inner @ its own', async () => {
    const source = await load(60, ['a 0+1x20']);
    expect(await ask(source, 'sum_over_time(vector(time())[2m:1m])', { at: 240 })).to.deep.equal(['{} 420']);
    expect(await ask(source, 'sum_over_time((a @ 600)[2m:1m] offset 5m)', { at: 600 })).to.deep.equal(['{} 20']);
  });

  it('see gaps of the inner series', async () => {
    const source = await load(60, ['a 1 stale 3 stale 5']);
    expect(await ask(source, 'count_over_time(a[5m:1m])', { at: 240 })).to.deep.equal(['{} 3']);
    expect(await ask(source, 'absent_over_time(a[1m:1m])', { from: 0, through: 240 })).to.deep.equal(['{} _ 1 _ 1 _']);
  });

  it('that would need too many steps fail before they take memory', async () => {
    const source = await load(60, ['a 1']);
    expect(await failure(source, 'sum_over_time(a[100y:1ms])', { at: 0 })).to.equal(
      'TIDEMARK_QUERY_LIMIT: query processing would load too many samples into memory in query execution',
    );
  });
});
