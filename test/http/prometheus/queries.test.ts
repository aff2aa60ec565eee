import { expect } from 'chai';
import { removeTemporaryDirectories } from '../../support/temporary-directory.ts';
import { ask } from '../http-client.ts';
import { dataOf, type Parameters, type ServerWithData, serveSomeSeries, start } from './server-with-data.ts';

const time = String(start / 1000);

describe('the queries of the HTTP API', () => {
  let server: ServerWithData;

  before(async () => {
    server = await serveSomeSeries();
  });

  after(async () => {
    await server.stop();
    removeTemporaryDirectories();
  });

  const textOf = async (path: string, parameters: Parameters): Promise<string> =>
    (await server.get(path, parameters)).body;

  it('answer with the letters of Prometheus', async () => {
    expect(await textOf('query', { query: 'up', time })).to.equal(
      '{"status":"success","data":{"resultType":"vector","result":[' +
        '{"metric":{"__name__":"up","instance":"a:9100","job":"node"},"value":[1600000000,"1"]},' +
        '{"metric":{"__name__":"up","instance":"b:9100","job":"node"},"value":[1600000000,"0"]}]}}',
    );
    expect(await textOf('query', { query: '1 + 1', time: '4' })).to.equal(
      '{"status":"success","data":{"resultType":"scalar","result":[4,"2"]}}',
    );
    expect(await textOf('query', { query: '"a \\"text\\""', time: '1.5' })).to.equal(
      '{"status":"success","data":{"resultType":"string","result":[1.5,"a \\"text\\""]}}',
    );
    expect(await textOf('query', { query: 'none', time })).to.equal(
      '{"status":"success","data":{"resultType":"vector","result":[]}}',
    );
    expect(await textOf('query', { query: 'up{instance="b:9100"}[2m]', time: String(start / 1000 + 90) })).to.equal(
      '{"status":"success","data":{"resultType":"matrix","result":[' +
        '{"metric":{"__name__":"up","instance":"b:9100","job":"node"},"values":[[1600000000,"0"],[1600000060,"1"]]}]}}',
    );
    expect(
      await textOf('query_range', { query: 'sum(up)', start: time, end: String(start / 1000 + 1), step: '0.5' }),
    ).to.equal(
      '{"status":"success","data":{"resultType":"matrix","result":[' +
        '{"metric":{},"values":[[1600000000,"1"],[1600000000.500,"1"],[1600000001,"1"]]}]}}',
    );
  });

  it('write times with no digit or three behind the point, and numbers as Go does', async () => {
    const pairOf = async (query: string, at: string): Promise<string> =>
      /"value":(\[.*?\])/.exec(await textOf('query', { query, time: at }))?.[1] ?? '';
    expect(await pairOf('vector(1)', '-1.5')).to.equal('[-1.500,"1"]');
    expect(await pairOf('vector(1)', '0.001')).to.equal('[0.001,"1"]');
    expect(await pairOf('vector(1)', '-0.02')).to.equal('[-0.020,"1"]');
    expect(await pairOf('vector(1)', '1.2345')).to.equal('[1.234,"1"]');
    for (const [query, value] of [
      ['1e-7', '1e-07'],
      ['1e-300', '1e-300'],
      ['0.000001', '0.000001'],
      ['1e20', '100000000000000000000'],
      ['1.5e21', '1.5e+21'],
      ['-0', '-0'],
      ['-Inf', '-Inf'],
      ['Inf', '+Inf'],
      ['NaN', 'NaN'],
    ])
      expect(await pairOf(`vector(${query})`, '1'), query).to.equal(`[1,"${value}"]`);
    // A scalar has no exponent, and its time is an ordinary number.
    expect(await textOf('query', { query: '1.5e21', time: '-1.5' })).to.contain('[-1.5,"1500000000000000000000"]');
  });

  it('take a posted form, and answer HEAD without a body', async () => {
    expect((await server.post('query', { query: 'up', time })).body).to.equal(
      await textOf('query', { query: 'up', time }),
    );
    const head = await ask(server.port, '/api/v1/query?query=up', { method: 'HEAD' });
    expect(head.status).to.equal(200);
    expect(head.body).to.equal('');
    expect((await ask(server.port, '/api/v1/query', { method: 'PUT' })).status).to.equal(405);
    expect((await ask(server.port, '/api/v1/series?match[]=up', { method: 'DELETE' })).status).to.equal(405);
  });

  const refusals: readonly (readonly [path: string, parameters: Parameters, error: string])[] = [
    ['query', {}, 'invalid parameter "query": 1:1: parse error: no expression found in input'],
    ['query', { query: 'sum(' }, 'invalid parameter "query": 1:5: parse error: unclosed left parenthesis'],
    [
      'query',
      { query: '1', time: 'x' },
      'invalid parameter "time": Invalid time value for \'time\': cannot parse "x" to a valid timestamp',
    ],
    ['query', { query: '1', timeout: 'x' }, 'invalid parameter "timeout": cannot parse "x" to a valid duration'],
    [
      'query',
      { query: '1', timeout: '1e300' },
      'invalid parameter "timeout": cannot parse "1e300" to a valid duration. It overflows int64',
    ],
    ['query', { query: '1', limit: 'x' }, 'invalid parameter "limit": strconv.Atoi: parsing "x": invalid syntax'],
    [
      'query',
      { query: '1', limit: '9223372036854775808' },
      'invalid parameter "limit": strconv.Atoi: parsing "9223372036854775808": value out of range',
    ],
    ['query', { query: '1', limit: '-1' }, 'invalid parameter "limit": limit must be non-negative'],
    [
      'query',
      { query: '1', lookback_delta: 'x' },
      'error parsing lookback delta duration: cannot parse "x" to a valid duration',
    ],
    ['query_range', { query: '1' }, 'invalid parameter "start": cannot parse "" to a valid timestamp'],
    ['query_range', { query: '1', start: '1' }, 'invalid parameter "end": cannot parse "" to a valid timestamp'],
    [
      'query_range',
      { query: '1', start: '1', end: '0' },
      'invalid parameter "end": end timestamp must not be before start time',
    ],
    [
      'query_range',
      { query: '1', start: '1', end: '2' },
      'invalid parameter "step": cannot parse "" to a valid duration',
    ],
    ...['0', '-1', '-5m', '0.0001', '0s'].map(
      (step) =>
        [
          'query_range',
          { query: '1', start: '1', end: '2', step },
          step === '-5m'
            ? 'invalid parameter "step": cannot parse "-5m" to a valid duration'
            : 'invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer',
        ] as const,
    ),
    [
      'query_range',
      { query: '(', start: '0', end: '11001', step: '1' },
      'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
    ],
    [
      'query_range',
      { query: 'up[5m]', start: '0', end: '1', step: '1' },
      'invalid parameter "query": invalid expression type "range vector" for range query, must be Scalar or instant Vector',
    ],
    [
      'query_range',
      { query: '1 +', start: '0', end: '1', step: '1' },
      'invalid parameter "query": 1:4: parse error: unexpected end of input',
    ],
  ];

  for (const [path, parameters, error] of refusals) {
    it(`refuse ${path} ${JSON.stringify(parameters)}`, async () => {
      const answer = await server.get(path, parameters);
      expect(answer.status).to.equal(400);
      expect(answer.body).to.equal(JSON.stringify({ status: 'error', errorType: 'bad_data', error }));
    });
  }

  it('name the first wrong parameter in the order of Prometheus', async () => {
    const wrong: Record<string, string> = {
      limit: '-1',
      start: 'x',
      end: 'x',
      step: 'x',
      timeout: 'x',
      lookback_delta: 'x',
      query: '(',
    };
    const right: Record<string, string> = { start: '0', end: '1', step: '1', query: '1' };
    for (const name of Object.keys(wrong)) {
      const parameters: Record<string, string> = { ...wrong };
      for (const before of Object.keys(wrong).slice(0, Object.keys(wrong).indexOf(name))) {
        delete parameters[before];
        if (right[before] !== undefined) parameters[before] = right[before];
      }
      const { body } = await server.get('query_range', parameters);
      expect(JSON.parse(body).error, name).to.match(
        name === 'lookback_delta' ? /^error parsing lookback/ : new RegExp(`^invalid parameter "${name}"`),
      );
    }
  });

  it('give 11,001 points, and steps in the form of Go', async () => {
    const { body } = await server.get('query_range', { query: '1', start: '0', end: '11000', step: '1' });
    expect(dataOf({ body } as never).result[0].values).to.have.length(11_001);
    for (const step of ['60', '1m', '1m0s', '0h1m0s', '60.0'])
      expect(
        dataOf(await server.get('query_range', { query: '1', start: '0', end: '120', step })).result[0].values,
        step,
      ).to.have.length(3);
  });

  it('cut the series at the limit, with a warning', async () => {
    for (const [path, more] of [
      ['query', { time }],
      ['query_range', { start: time, end: time, step: '1' }],
    ] as const) {
      const answer = JSON.parse(await textOf(path, { query: 'up', limit: '1', ...more }));
      expect(answer.data.result, path).to.have.length(1);
      expect(answer.warnings, path).to.deep.equal(['results truncated due to limit']);
      const whole = JSON.parse(await textOf(path, { query: 'up', limit: '2', ...more }));
      expect(whole.data.result, path).to.have.length(2);
      expect(whole, path).not.to.have.property('warnings');
    }
  });

  it('look back as far as they are asked to', async () => {
    const at = String(start / 1000 + 3600 + 500);
    expect(dataOf(await server.get('query', { query: 'up', time: at })).result).to.have.length(0);
    expect(dataOf(await server.get('query', { query: 'up', time: at, lookback_delta: '10m' })).result).to.have.length(
      2,
    );
    expect(dataOf(await server.get('query', { query: 'up', time: at, lookback_delta: '501' })).result).to.have.length(
      2,
    );
    // Like Prometheus, these mean the default.
    for (const lookback of ['0', '-3'])
      expect(
        dataOf(await server.get('query', { query: 'up', time: at, lookback_delta: lookback })).result,
      ).to.have.length(0);
  });

  it('tell warnings and infos of the engine, at most ten of each', async () => {
    const warned = JSON.parse(await textOf('query', { query: 'quantile(2, up)', time }));
    expect(warned.warnings).to.deep.equal(['PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)']);
    const informed = await textOf('query', { query: 'rate(up[5m])', time: String(start / 1000 + 600) });
    expect(informed).to.match(/\]\},"infos":\["PromQL info: metric might not be a counter.*"\]\}$/);
    const many = Array.from({ length: 13 }, (_, i) => `quantile(${i + 2}, up)`).join(' or ');
    const { warnings } = JSON.parse(await textOf('query', { query: many, time }));
    expect(warnings).to.have.length(11);
    expect(warnings[10]).to.equal('3 more warning annotations omitted');
  });

  it('fail with 422 where there is no result', async () => {
    const answer = await server.get('query', { query: 'up + on (job) up', time });
    expect(answer.status).to.equal(422);
    expect(JSON.parse(answer.body)).to.include({ status: 'error', errorType: 'execution' });
    expect(JSON.parse(answer.body).error).to.match(/^found duplicate series for the match group/);
  });

  it('end with 503 when their time is over', async () => {
    for (const timeout of ['0', '-1']) {
      const answer = await server.get('query', { query: 'up', timeout });
      expect(answer.status).to.equal(503);
      expect(JSON.parse(answer.body)).to.deep.equal({
        status: 'error',
        errorType: 'timeout',
        error: 'query timed out in query queue',
      });
    }
    const slow = 'count_over_time((sum(sum_over_time(up[1h:1s])))[2h:1s])';
    const answer = await server.get('query', { query: slow, time: String(start / 1000 + 3600), timeout: '1ms' });
    expect(answer.status).to.equal(503);
    expect(JSON.parse(answer.body)).to.include({ errorType: 'timeout' });
    expect((await server.get('query', { query: '(', timeout: '0' })).status).to.equal(400);
  });

  it('tell what they cost', async () => {
    for (const stats of ['all', 'true']) {
      const { body } = await server.get('query', { query: 'up', time, stats });
      expect(body).to.match(
        /\],"stats":\{"timings":\{"evalTotalTime":.*"execTotalTime":[\d.e-]+\},"samples":\{"totalQueryableSamples":2,"peakSamples":\d+\}\}\}\}$/,
      );
    }
    expect(await textOf('query', { query: 'up', time })).not.to.contain('stats');
  });
});
