import { expect } from 'chai';
import { NEVER, type Observable, of, Subject } from 'rxjs';
import { liveStream, watchSamples } from '../../streams/live.ts';

describe('a live stream', () => {
  it('listens while somebody subscribes, once for all, and not otherwise', () => {
    let listeners = 0;
    let connections = 0;
    let push = (_: number): void => {};
    const stream$ = liveStream<number>((next) => {
      listeners++;
      connections++;
      push = next;
      return () => listeners--;
    }, NEVER);
    expect(listeners).to.equal(0);
    const first: number[] = [];
    const second: number[] = [];
    const one = stream$.subscribe((value) => first.push(value));
    push(1);
    const other = stream$.subscribe((value) => second.push(value));
    push(2);
    expect([listeners, connections]).to.deep.equal([1, 1]);
    one.unsubscribe();
    push(3);
    other.unsubscribe();
    expect(listeners).to.equal(0);
    expect([first, second]).to.deep.equal([
      [1, 2],
      [2, 3],
    ]);
    stream$.subscribe().unsubscribe();
    expect([listeners, connections]).to.deep.equal([0, 2]);
  });
});

describe('a live stream whose source ends', () => {
  it('completes for those who listen, and at once for those who come later', () => {
    const end$ = new Subject<void>();
    let listeners = 0;
    const stream$ = liveStream<number>(() => {
      listeners++;
      return () => listeners--;
    }, end$);
    let completed = 0;
    stream$.subscribe({ complete: () => completed++ });
    end$.next();
    expect([completed, listeners]).to.deep.equal([1, 0]);
  });
});

describe('watched samples', () => {
  const watch = (samples$: Observable<number>, asked: number[], generation = () => 0): Observable<string> =>
    watchSamples({
      samples$,
      keyOf: (sample: number) => sample % 10,
      matches: (row) => {
        asked.push(row);
        return row < 5;
      },
      project: (sample) => `#${sample}`,
      generation,
    });

  it('are those of the series that match, each series being looked at once', () => {
    const asked: number[] = [];
    const seen: string[] = [];
    watch(of(1, 11, 7, 21, 17, 4), asked).subscribe((sample) => seen.push(sample));
    expect(seen).to.deep.equal(['#1', '#11', '#21', '#4']);
    expect(asked).to.deep.equal([1, 7, 4]);
  });

  it('are looked at again when rows may have been given to other series', () => {
    const asked: number[] = [];
    const samples$ = new Subject<number>();
    let generation = 0;
    watch(samples$, asked, () => generation).subscribe();
    samples$.next(1);
    samples$.next(1);
    generation++;
    samples$.next(1);
    expect(asked).to.deep.equal([1, 1]);
  });
});
