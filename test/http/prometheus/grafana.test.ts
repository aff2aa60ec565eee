/**
 * The requests that Grafana sends to a data source of the type Prometheus: on "save & test", in Explore, for panels,
 * template variables and Drilldown. Each must get the status and the shape that Grafana reads.
 */
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import { removeTemporaryDirectories } from '../../support/temporary-directory.ts';
import { type Answer, ask } from '../http-client.ts';
import { dataOf, encoded, type Parameters, type ServerWithData, serveSomeSeries, start } from './server-with-data.ts';

const from = String(start / 1000);
const through = String(start / 1000 + 3600);

describe('requests of Grafana', () => {
  let server: ServerWithData;

  before(async () => {
    server = await serveSomeSeries();
  });

  after(async () => {
    await server.stop();
    removeTemporaryDirectories();
  });

  /** As Grafana's backend sends it: always with gzip. */
  const fromBackend = async (method: 'GET' | 'POST', path: string, parameters: Parameters = {}): Promise<Answer> => {
    const headers = { 'accept-encoding': 'gzip', 'user-agent': 'Grafana/12.0.0' };
    const text = encoded(parameters);
    const answer = await (method === 'GET'
      ? ask(server.port, `/api/v1/${path}?${text}`, { headers })
      : ask(server.port, `/api/v1/${path}`, {
          method,
          headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
          body: text,
        }));
    const isPacked = answer.headers['content-encoding'] === 'gzip';
    return isPacked ? { ...answer, body: gunzipSync(answer.bytes).toString() } : answer;
  };

  const data = async (method: 'GET' | 'POST', path: string, parameters: Parameters = {}) => {
    const answer = await fromBackend(method, path, parameters);
    expect(answer.status, path).to.equal(200);
    expect(answer.headers['content-type'], path).to.match(/^application\/json/);
    expect(answer.body, path).to.match(/^\{"status":"success","data":/);
    return dataOf(answer);
  };

  describe('on "save & test"', () => {
    it('asks for 1+1', async () => {
      expect(await data('POST', 'query', { query: '1+1', time: '4' })).to.deep.equal({
        resultType: 'scalar',
        result: [4, '2'],
      });
    });

    it('asks what the server is: by POST, then by GET if the answer is 405', async () => {
      expect((await fromBackend('POST', 'status/buildinfo')).status).to.equal(405);
      const build = await data('GET', 'status/buildinfo');
      // A version that Grafana can read, from which on it asks label values with selectors.
      const [major, minor] = /^(\d+)\.(\d+)\.\d+$/.exec(build.version)!.slice(1).map(Number);
      expect(major * 1000 + minor).to.be.at.least(2050);
      expect(build.application).to.equal('tidemark');
      // With features it would be taken for Mimir.
      expect(build).not.to.have.property('features');
    });
  });

  describe('when the data source is opened in Explore', () => {
    it('asks for recording rules and alerts', async () => {
      expect(await data('GET', 'rules')).to.deep.equal({ groups: [] });
      expect(await data('GET', 'alerts')).to.deep.equal({ alerts: [] });
    });

    it('tries exemplars with milliseconds where seconds are meant', async () => {
      const parameters = { query: 'test', start: String(start), end: String(start + 3_600_000) };
      expect(await data('GET', 'query_exemplars', parameters)).to.deep.equal([]);
      expect(await data('POST', 'query_exemplars', parameters)).to.deep.equal([]);
    });

    it('asks for the names of metrics and labels', async () => {
      const bounds = { start: from, end: through };
      expect(await data('GET', 'label/__name__/values', { ...bounds, limit: '40000' })).to.deep.equal([
        'http_requests_total',
        'latency_seconds_bucket',
        'odd',
        'up',
      ]);
      const names = ['__name__', 'code', 'instance', 'job', 'kind', 'le'];
      expect(await data('POST', 'labels', bounds)).to.deep.equal(names);
      expect(await data('GET', 'labels', bounds)).to.deep.equal(names);
    });

    it('asks for metadata, of all metrics and of one', async () => {
      for (const parameters of [{}, { limit: '40000' }]) {
        const all = await data('GET', 'metadata', parameters);
        expect(all).to.be.an('object');
        for (const entries of Object.values(all))
          for (const entry of entries as object[]) expect(entry).to.have.all.keys('type', 'help', 'unit');
      }
      expect(await data('GET', 'metadata', { metric: 'up' })).to.deep.equal({});
    });

    it('asks for all series, if it was set up for an old version', async () => {
      const series = await data('GET', 'series', { 'match[]': '{__name__!=""}', start: from, end: through });
      expect(series).to.have.length(13);
      expect(series[0]).to.have.property('__name__');
    });

    it('offers labels and values for what is being written', async () => {
      const match = { 'match[]': 'up{job="node"}', start: from, end: through, limit: '40000' };
      expect(await data('POST', 'labels', match)).to.deep.equal(['__name__', 'instance', 'job']);
      expect(await data('GET', 'label/instance/values', match)).to.deep.equal(['a:9100', 'b:9100']);
    });
  });

  describe('for template variables', () => {
    it('asks for the values of a label, of all series and of some', async () => {
      expect(await data('GET', 'label/job/values', { start: from, end: through })).to.deep.equal(['node', 'shop']);
      expect(
        await data('GET', 'label/code/values', { 'match[]': 'http_requests_total', start: from, end: through }),
      ).to.deep.equal(['200', '500']);
    });

    it('asks for the result of a query', async () => {
      const { resultType, result } = await data('GET', 'query', { query: 'count by (job) (up)', time: from });
      expect(resultType).to.equal('vector');
      expect(result).to.deep.equal([{ metric: { job: 'node' }, value: [start / 1000, '2'] }]);
    });
  });

  describe('for panels', () => {
    it('asks for ranges, with steps in seconds', async () => {
      for (const step of ['15', '60', '0.5']) {
        const end = step === '0.5' ? String(start / 1000 + 600) : through;
        const parameters = { query: 'rate(http_requests_total[1m0s])', start: from, end, step };
        const answer = await fromBackend('POST', 'query_range', parameters);
        // Grafana reads the answer as a stream, which needs to know the type first.
        expect(answer.body.indexOf('"resultType"')).to.be.below(answer.body.indexOf('"result"'));
        expect(dataOf(answer).resultType).to.equal('matrix');
      }
      const { result } = await data('POST', 'query_range', {
        query: 'sum by (code) (rate(http_requests_total[5m0s]))',
        start: from,
        end: through,
        step: '60',
      });
      expect(result.map(({ metric }: { metric: object }) => metric)).to.deep.equal([{ code: '200' }, { code: '500' }]);
      for (const [time, value] of result[0].values) {
        expect(time).to.be.a('number');
        expect(value).to.be.a('string');
      }
    });

    it('asks for one time, for tables', async () => {
      const { resultType, result } = await data('POST', 'query', { query: 'up', time: from });
      expect(resultType).to.equal('vector');
      expect(result).to.have.length(2);
    });

    it('shows the message of a query that is wrong', async () => {
      const answer = await fromBackend('POST', 'query_range', { query: 'sum(', start: from, end: through, step: '15' });
      expect(answer.status).to.equal(400);
      expect(JSON.parse(answer.body)).to.deep.equal({
        status: 'error',
        errorType: 'bad_data',
        error: 'invalid parameter "query": 1:5: parse error: unclosed left parenthesis',
      });
    });

    it('formats and explains queries', async () => {
      expect(await data('GET', 'format_query', { query: 'sum(up)by(job)' })).to.equal('sum by (job) (up)');
      expect(await data('GET', 'parse_query', { query: 'up' })).to.include({ type: 'vectorSelector', name: 'up' });
    });
  });

  describe('for Drilldown', () => {
    it('asks for labels and values with a comma at the end of its selector', async () => {
      const match = { 'match[]': '{__name__=~".+",}', start: from, end: through, limit: '40000' };
      expect(await data('POST', 'labels', match)).to.include.members(['__name__', 'job']);
      expect(await data('GET', 'label/__name__/values', match)).to.include('up');
    });

    it('asks for names that are escaped', async () => {
      server.store.append({ __name__: 'dotted', 'service.name': 'shop' }, start, 1);
      expect(await data('GET', 'label/U__service_2e_name/values')).to.deep.equal(['shop']);
    });

    it('is told when a list is cut', async () => {
      const answer = await fromBackend('GET', 'label/__name__/values', { limit: '1' });
      expect(JSON.parse(answer.body)).to.deep.equal({
        status: 'success',
        data: ['dotted'],
        warnings: ['results truncated due to limit'],
      });
    });
  });
});
