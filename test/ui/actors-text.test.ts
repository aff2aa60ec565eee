/** The parts of the Actors page that need no browser: its address, and how it reads the keys of transitions. */
import { expect } from 'chai';
import { pageModule } from './page-module.ts';

interface View {
  readonly match: string;
  readonly series: Readonly<Record<string, string>> | undefined;
  readonly quarantined: string | undefined;
  readonly state: string | undefined;
  readonly regions: readonly string[];
  readonly full: boolean;
}

interface Address {
  readonly viewOfAddress: (search: string) => View;
  readonly addressOfView: (view: Partial<View>) => string;
}

interface Keys {
  readonly readKey: (key: string) => {
    readonly source: string;
    readonly target: string;
    readonly outcome: string;
    readonly event: string;
  };
}

describe('the address of the Actors page', () => {
  let address: Address;

  before(async () => {
    address = await pageModule<Address>('pages/actors/actors-address.ts');
  });

  it('holds what the page shows, and nothing for what is as at first', () => {
    const { addressOfView, viewOfAddress } = address;
    const views: Partial<View>[] = [
      {},
      { match: 'up{job="a&b"}', series: { __name__: 'up', job: 'a&b', ü: '"=' }, regions: ['pressure', 'health'] },
      { quarantined: '0123456789abcdef', state: 'quarantined', full: true },
    ];
    const first = { match: '', series: undefined, quarantined: undefined, state: undefined, regions: [], full: false };
    for (const view of views)
      expect(viewOfAddress(new URL(addressOfView(view), 'http://x/').search)).to.deep.equal({ ...first, ...view });
    expect(addressOfView({ ...first })).to.equal('./actors');
  });

  it('leaves out a series that is none', () => {
    for (const text of ['x', '[]', 'null', '5', '{"a":1}', '{'])
      expect(address.viewOfAddress(`?series=${encodeURIComponent(text)}`).series, text).to.equal(undefined);
  });
});

describe('the keys of transitions', () => {
  it('are read with what ended the call', async () => {
    const { readKey } = await pageModule<Keys>('parts/statechart/transition-key.ts');
    expect(readKey('series.persisting|xstate.done.actor.persistChunks|series.inMemory')).to.deep.equal({
      source: 'series.persisting',
      target: 'series.inMemory',
      outcome: 'done',
      event: 'persistChunks done',
    });
    expect(readKey('series.persisting|xstate.error.actor.persistChunks|series.quarantined')).to.include({
      outcome: 'failed',
      event: 'persistChunks failed',
    });
    expect(readKey('series.inMemory|maintain|series.archived')).to.include({ outcome: 'event', event: 'maintain' });
    expect(readKey('store.running.checkpoint.idle||store.running.checkpoint.writing')).to.include({ event: 'always' });
  });
});
