import { expect } from 'chai';
import { ask, load } from './ask.ts';

describe('selectors', () => {
  it('take the newest sample that is younger than the lookback', async () => {
    const source = await load(60, ['a 1 2 _ _ _ _ _ _ _ 10']);
    expect(await ask(source, 'a', { from: 0, through: 540 })).to.deep.equal(['a 1 2 2 2 2 2 _ _ _ 10']);
  });

  it('take a sample as old as the lookback with closed ranges', async () => {
    const source = await load(60, ['a 1 2 _ _ _ _ _ _ _ 10']);
    const options = { closedRanges: true };
    expect(await ask(source, 'a', { from: 0, through: 540, options })).to.deep.equal(['a 1 2 2 2 2 2 2 _ _ 10']);
  });

  it('end at a stale marker, and go on with NaN', async () => {
    const source = await load(60, ['a 1 stale NaN 4']);
    expect(await ask(source, 'a', { from: 0, through: 240 })).to.deep.equal(['a 1 _ NaN 4 4']);
  });

  it('are shifted by offset and held by @', async () => {
    const source = await load(60, ['a 0+1x10']);
    const range = { from: 120, through: 240 };
    expect(await ask(source, 'a offset 1m', range)).to.deep.equal(['a 1 2 3']);
    expect(await ask(source, 'a offset -1m', range)).to.deep.equal(['a 3 4 5']);
    expect(await ask(source, 'a @ 300', range)).to.deep.equal(['a 5 5 5']);
    expect(await ask(source, 'a @ 300 offset 2m', range)).to.deep.equal(['a 3 3 3']);
    expect(await ask(source, 'a @ start() + a @ end()', range)).to.deep.equal(['{} 6 6 6']);
  });

  it('give the series of an instant query for a range vector without stale markers', async () => {
    const source = await load(60, ['a 1 2 stale 4']);
    expect(await ask(source, 'a[3m]', { at: 180 })).to.deep.equal(['a 2 4']);
    expect(await ask(source, 'a[3m]', { at: 180, options: { closedRanges: true } })).to.deep.equal(['a 1 2 4']);
  });

  it('with timestamp() give the time of the sample, and of other expressions the time of the step', async () => {
    const source = await load(60, ['a 1 2 3']);
    expect(await ask(source, 'timestamp(a)', { at: 150 })).to.deep.equal(['{} 120']);
    expect(await ask(source, 'timestamp((a))', { at: 150 })).to.deep.equal(['{} 120']);
    expect(await ask(source, 'timestamp(a + 0)', { at: 150 })).to.deep.equal(['{} 150']);
  });

  it('that are equal read the source once', async () => {
    const inner = await load(60, ['a 1 2 3', 'b 4 5 6']);
    let readings = 0;
    const source = {
      select: (request: Parameters<typeof inner.select>[0]) => {
        readings++;
        return inner.select(request);
      },
    };
    expect(await ask(source, 'a + a * a', { at: 120 })).to.deep.equal(['{} 12']);
    expect(readings).to.equal(1);
    await ask(source, 'a + b', { at: 120 });
    expect(readings).to.equal(3);
  });
});
