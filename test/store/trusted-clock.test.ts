/** Jumps of wall time: nothing is dropped or archived because of one. */
import { expect } from 'chai';
import type { ClockDoubt } from '../../machines/store.machine.ts';
import { type ClockRegion, TrustedClock } from '../../src/store/trusted-clock.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, openMachine, START_MS, samplesOf } from './support.ts';

describe('TrustedClock', () => {
  const clockAt = (): { clock: ManualClock; trusted: TrustedClock } => {
    const clock = new ManualClock(START_MS);
    let doubt: ClockDoubt | undefined;
    const send: ClockRegion['send'] = (event) => {
      doubt = 'doubt' in event ? event.doubt : undefined;
    };
    return { clock, trusted: new TrustedClock(clock, { doubt: () => doubt, send }) };
  };

  it('follows wall time, small corrections included', () => {
    const { clock, trusted } = clockAt();
    clock.step(5000);
    clock.wallOffsetMs += 30_000;
    expect(trusted.look()).to.equal(undefined);
    expect(trusted.now()).to.equal(START_MS + 35_000);
  });

  it('goes on by the time from before when wall time jumps forwards, from the very moment of the jump', () => {
    const { clock, trusted } = clockAt();
    clock.wallOffsetMs += DAY_MS;
    expect(trusted.now(), 'before anybody has looked').to.equal(START_MS);
    expect(trusted.look()).to.deep.equal({ type: 'clockJumped', byMs: DAY_MS });
    clock.step(1000);
    expect(trusted.now()).to.equal(START_MS + 1000);
  });

  it('goes by the new time at once when wall time jumps backwards: new samples have it', () => {
    const { clock, trusted } = clockAt();
    clock.wallOffsetMs -= DAY_MS;
    expect(trusted.now()).to.equal(START_MS - DAY_MS);
    expect(trusted.look()).to.deep.equal({ type: 'clockJumped', byMs: -DAY_MS });
  });

  it('believes a new time that has held for an hour, and not before', () => {
    const { clock, trusted } = clockAt();
    clock.wallOffsetMs += DAY_MS;
    trusted.look();
    clock.step(HOUR_MS - 1);
    expect(trusted.look()).to.equal(undefined);
    expect(trusted.now()).to.equal(START_MS + HOUR_MS - 1);
    clock.step(1);
    expect(trusted.look()).to.deep.equal({ type: 'clockSettled', byMs: DAY_MS });
    expect(trusted.now()).to.equal(START_MS + HOUR_MS + DAY_MS);
  });

  it('begins the hour anew with every further jump', () => {
    const { clock, trusted } = clockAt();
    clock.wallOffsetMs += DAY_MS;
    trusted.look();
    clock.step(HOUR_MS / 2);
    clock.wallOffsetMs += DAY_MS;
    expect(trusted.look()?.type).to.equal('clockJumped');
    clock.step(HOUR_MS - 1);
    expect(trusted.look()).to.equal(undefined);
    clock.step(1);
    expect(trusted.look()?.type).to.equal('clockSettled');
  });

  it('believes a new time after an hour although small corrections add up to more than a jump meanwhile', () => {
    const { clock, trusted } = clockAt();
    clock.wallOffsetMs += DAY_MS;
    trusted.look();
    for (let minute = 1; minute < 60; minute++) {
      clock.step(MINUTE_MS);
      clock.wallOffsetMs += 10_000;
      expect(trusted.look()).to.equal(undefined);
    }
    clock.step(MINUTE_MS);
    expect(trusted.look()).to.deep.equal({ type: 'clockSettled', byMs: DAY_MS + 590_000 });
  });

  it('forgets a jump that is taken back', () => {
    const { clock, trusted } = clockAt();
    clock.wallOffsetMs += DAY_MS;
    trusted.look();
    clock.wallOffsetMs -= DAY_MS;
    expect(trusted.look()).to.deep.equal({ type: 'clockSettled', byMs: 0 });
    expect(trusted.now()).to.equal(START_MS);
  });
});

describe('a store whose clock jumps', () => {
  const options = { retention: '1h', headChunkTimeout: '5m' } as const;
  const fill = async (clockAhead = 0) => {
    const machine = await openMachine(options);
    for (let i = 0; i < 20; i++) machine.store.append({ __name__: 'm', id: String(i) }, START_MS + clockAhead + i, i);
    await machine.pass(1000);
    return machine;
  };

  it('drops and archives nothing when the clock jumps forwards, and shows what it has', async () => {
    const { store, clock, pass, events } = await fill();
    clock.wallOffsetMs += 30 * DAY_MS;
    await store.maintain();
    await pass(2 * MINUTE_MS);
    await store.maintain();
    expect(store.stateCounts()).to.include({ inMemory: 20, archived: 0 });
    expect((await samplesOf(store, 'm')).size).to.equal(20);
    expect(events.map(({ type }) => type))
      .to.include('clockJumped')
      .and.not.include('chunksDropped');
    await store.close();
  });

  it('drops what is old once the new time has held for an hour', async () => {
    const { store, clock, pass } = await fill();
    clock.wallOffsetMs += 30 * DAY_MS;
    await pass(HOUR_MS + MINUTE_MS, 1000);
    await store.maintain();
    expect(store.stateCounts()).to.include({ inMemory: 0, archived: 0 });
    await store.close();
  });

  it('keeps what is appended after a jump backwards: it is not older than retention because the clock was ahead', async () => {
    const { store, clock, pass } = await fill();
    clock.wallOffsetMs -= 10 * DAY_MS;
    for (let i = 0; i < 20; i++) store.append({ __name__: 'n', id: String(i) }, clock.now(), i);
    await store.maintain();
    await pass(MINUTE_MS);
    expect(store.stateCounts()).to.include({ inMemory: 40, archived: 0 });
    expect((await samplesOf(store, 'n')).size).to.equal(20);
    expect((await samplesOf(store, 'm')).size).to.equal(20);
    await store.close();
  });

  it('takes samples of a series that has later ones, as late ones', async () => {
    const { store, clock } = await fill();
    clock.wallOffsetMs -= DAY_MS;
    store.append({ __name__: 'm', id: '1' }, clock.now(), 1);
    expect((await samplesOf(store, 'm')).get(`1@${clock.now()}`)).to.equal(1);
    await store.close();
  });

  it('says so once for each jump, on the metrics of events and in events$', async () => {
    const { store, clock, pass, events } = await fill();
    clock.wallOffsetMs += DAY_MS;
    await pass(10_000);
    expect(events.filter(({ type }) => type === 'clockJumped')).to.have.length(1);
    await store.close();
  });
});
