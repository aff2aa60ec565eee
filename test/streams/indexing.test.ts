import { expect } from 'chai';
import { map, NEVER, type Observable } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { type IndexingOptions, type IndexingResult, indexing } from '../../streams/indexing.ts';

const shown = map((result: IndexingResult<string>) => {
  const operations = result.operations.join('');
  return result.kind === 'written' ? operations : `${operations} failed ${result.attempt}`;
});

/** Batches after 2 ms without operations; pauses of 4, 8, 16, 16 … ms after failures. */
const indexed = (source: Observable<string>, options: Partial<IndexingOptions<string>>) =>
  source.pipe(
    indexing<string>({
      write: () => [],
      flush$: NEVER,
      retries: () => true,
      idleMs: 2,
      ageMs: 100,
      countMax: 100,
      retryMs: 4,
      retryMsMax: 16,
      ...options,
    }),
    shown,
  );

describe('indexing', () => {
  let scheduler: TestScheduler;

  beforeEach(() => {
    scheduler = new TestScheduler((actual, expected) => {
      expect(actual).to.deep.equal(expected);
    });
  });

  it('writes a batch when nothing came for a while', () => {
    scheduler.run(({ hot, cold, expectObservable }) => {
      const source = hot('  -ab----------c-----');
      const write = cold('  --|                ');
      const expected = '    ------x----------y-';
      expectObservable(indexed(source, { write: () => write })).toBe(expected, { x: 'ab', y: 'c' });
    });
  });

  it('writes one batch at a time, in order', () => {
    scheduler.run(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const source = hot('  -a---b--------------');
      const write = cold('     -----|           ');
      const writes = ['                   ---^----!           ', '                   --------^----!      '];
      const expected = '    --------x----y------';
      expectObservable(indexed(source, { write: () => write })).toBe(expected, { x: 'a', y: 'b' });
      expectSubscriptions(write.subscriptions).toBe(writes);
    });
  });

  it('tries a failed batch again, later each time, before anything else', () => {
    scheduler.run(({ hot, cold, expectObservable }) => {
      const source = hot('  -a---b--------------------------');
      const bad = cold('    #                               ');
      const good = cold('   |                               ');
      const outcomes = [bad, bad, good, good];
      const expected = '    ---1---2-------(xy)-------------';
      expectObservable(indexed(source, { write: () => outcomes.shift() ?? good })).toBe(expected, {
        1: 'a failed 1',
        2: 'a failed 2',
        x: 'a',
        y: 'b',
      });
    });
  });

  it('bounds the pause between attempts', () => {
    scheduler.run(({ hot, cold, expectObservable }) => {
      const source = hot('  a---------------------------------------------------------------');
      const write = cold('  #');
      const unsubscribe = ' ------------------------------------------------------------!';
      const expected = '    --1---2-------3---------------4---------------5--------------';
      expectObservable(indexed(source, { write: () => write }), unsubscribe).toBe(expected, {
        1: 'a failed 1',
        2: 'a failed 2',
        3: 'a failed 3',
        4: 'a failed 4',
        5: 'a failed 5',
      });
    });
  });

  it('tries again at once on demand', () => {
    scheduler.run(({ hot, cold, expectObservable }) => {
      const source = hot('  a-------------------');
      const flush = hot('   ---f----------------');
      const bad = cold('    #                   ');
      const good = cold('   |                   ');
      const outcomes = [bad, good];
      const expected = '    --1x----------------';
      expectObservable(indexed(source, { write: () => outcomes.shift() ?? good, flush$: flush })).toBe(expected, {
        1: 'a failed 1',
        x: 'a',
      });
    });
  });

  it('writes the last batch when the source completes, then completes', () => {
    scheduler.run(({ hot, cold, expectObservable }) => {
      const source = hot('  -ab|                ');
      const write = cold('  ---|                ');
      const expected = '    ------(x|)          ';
      expectObservable(indexed(source, { write: () => write })).toBe(expected, { x: 'ab' });
    });
  });

  it('fails with the error of a batch that is not tried again', () => {
    scheduler.run(({ hot, cold, expectObservable }) => {
      const source = hot('  -ab|                ');
      const write = cold('  ---#                ', undefined, 'disk');
      const expected = '    ------(x#)          ';
      expectObservable(indexed(source, { write: () => write, retries: () => false })).toBe(
        expected,
        { x: 'ab failed 1' },
        'disk',
      );
    });
  });

  it('takes a throw for a failed write', () => {
    scheduler.run(({ hot, expectObservable }) => {
      const source = hot('  a------');
      const expected = '    --1---x';
      let attempts = 0;
      const write = () => {
        if (attempts++ === 0) throw new Error('at once');
        return [];
      };
      expectObservable(indexed(source, { write })).toBe(expected, { 1: 'a failed 1', x: 'a' });
    });
  });
});
