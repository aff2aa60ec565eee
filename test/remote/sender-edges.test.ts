/** Edge cases of the compliance suite for senders (`remotewrite/sender`), by their names. */
import { expect } from 'chai';
import { Setup } from './forwarding.ts';

describe('forwarding in the edge cases of senders', () => {
  let setup: Setup;

  beforeEach(async () => {
    setup = await new Setup().open();
  });

  afterEach(() => setup.close());

  for (const protocol of ['1.0', '2.0'] as const) {
    it(`huge_label_values, very_long_metric_name, metric_name_with_colons, unicode_in_labels (${protocol})`, async () => {
      const forwarding = setup.forward({ protocol });
      const sets = [
        { __name__: 'a', huge: 'x'.repeat(20_000) },
        { __name__: 'm'.repeat(1000) },
        { __name__: 'job:requests:rate5m' },
        { __name__: 'u', region: '🌍', name: '测试', quoted: 'a "b" \\ \n' },
      ];
      for (const labels of sets) setup.store.append(labels, setup.at(), 1);
      const labels = (await setup.sent(forwarding)).flatMap(({ series }) => series.map((each) => each.labels));
      expect(labels).to.have.deep.members(sets);
    });

    it(`zero_timestamp, future_timestamp, special_float_combinations, stale_marker (${protocol})`, async () => {
      const forwarding = setup.forward({ protocol });
      const handle = setup.store.series({ __name__: 't' });
      handle.append(0, Number.NaN);
      handle.append(1, Number.NEGATIVE_INFINITY);
      handle.append(setup.at(60_000), Number.POSITIVE_INFINITY);
      handle.appendStale(setup.at(60_001));
      const [{ series }] = await setup.sent(forwarding);
      expect(series[0].timestamps).to.deep.equal([0, 1, setup.at(60_000), setup.at(60_001)]);
      expect(series[0].bits).to.deep.equal([
        '7ff8000000000000',
        'fff0000000000000',
        '7ff0000000000000',
        '7ff0000000000002',
      ]);
    });

    it(`many_timeseries, high_cardinality, efficient_batching: no series is sent twice in a request (${protocol})`, async () => {
      const forwarding = setup.forward({ protocol, batchSamples: 2000 });
      for (let i = 0; i < 5000; i++) setup.store.append({ __name__: 'many', i: `${i}` }, setup.at(), i);
      const requests = await setup.sent(forwarding);
      expect(requests.every(({ sampleCount }) => sampleCount <= 2000)).to.equal(true);
      expect(requests.length).to.be.within(3, 4);
      const seen = requests.flatMap(({ series }) => series.map(({ labels }) => labels['i']));
      expect(new Set(seen).size).to.equal(5000);
      expect(seen).to.have.length(5000);
    });
  }

  it('time_based_flush: a batch that is not full is sent when its time is over', async () => {
    const forwarding = setup.forward({ batchDelay: '5s' });
    setup.store.append({ __name__: 'a' }, setup.at(), 1);
    await setup.store.flush();
    while (forwarding.status().pendingSamples === 0) await setup.clock.breathe();
    expect(setup.receiver.requests).to.have.length(0);
    setup.clock.advance(6000);
    expect((await setup.receiver.received(1))[0].sampleCount).to.equal(1);
  });

  it('empty_scrape: without samples nothing is sent', async () => {
    expect(await setup.sent(setup.forward())).to.have.length(0);
  });

  it('symbol_table_deduplication_across_batch, valid_label_references: each text once', async () => {
    const forwarding = setup.forward();
    for (let i = 0; i < 100; i++) setup.store.append({ __name__: 'a', i: `${i % 10}`, job: 'j' }, setup.at(i), i);
    const [{ symbols = [] }] = await setup.sent(forwarding);
    expect(symbols[0]).to.equal('');
    expect(new Set(symbols).size).to.equal(symbols.length);
    expect(symbols).to.have.length(1 + 5 + 10);
  });

  it('custom headers do not replace those of the protocol', () => {
    for (const name of ['Content-Type', 'content-encoding', 'X-Prometheus-Remote-Write-Version'])
      expect(() => setup.forward({ headers: { [name]: 'x' } }), name)
        .to.throw()
        .with.property('code', 'TIDEMARK_INVALID_OPTION');
  });

  for (const [what, url, message] of [
    ['connection_refused', 'http://127.0.0.1:1/write', /ECONNREFUSED/],
    ['dns_resolution_failure', 'http://no-such-host.invalid/write', /ENOTFOUND|EAI_AGAIN/],
  ] as const)
    it(`${what}: the samples wait, and the reason is told`, async () => {
      const forwarding = setup.forward({ url });
      setup.store.append({ __name__: 'a' }, setup.at(), 1);
      void forwarding.caughtUp();
      await setup.reaches(forwarding, 'waiting');
      expect(forwarding.status()).to.deep.include({ sentSamples: 0, droppedSamples: {} });
      expect(forwarding.status().lastError?.message).to.match(message);
    });

  it('tls_handshake_failure: the samples wait', async () => {
    const forwarding = setup.forward({ url: setup.receiver.url.replace('http:', 'https:') });
    setup.store.append({ __name__: 'a' }, setup.at(), 1);
    void forwarding.caughtUp();
    await setup.reaches(forwarding, 'waiting');
    expect(forwarding.status()).to.deep.include({ sentSamples: 0, droppedSamples: {} });
  });
});
