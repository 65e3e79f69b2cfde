/** The operators' own checks over the wire: what is no whole answer leaves the gate shut, and no secret gets out. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ownChecks } from '../../src/adapters/gates/own-checks.ts';
import type { HttpsQuestion, OwnCheckSettings, PromqlQuestion } from '../../src/core/gate.ts';
import { Secret } from '../../src/core/secret.ts';
import { makeCertificate } from '../../src/lab/certificate.ts';
import { type Prometheus, type PrometheusAnswer, startPrometheus, vector } from '../support/prometheus.ts';

const host = '127.176.0.1';
const subject = { site: 'boston', cluster: 'bos', node: 'bos-w-1' };
const token = 'hunter2secret';
let prometheus: Prometheus;

beforeAll(async () => {
  prometheus = await startPrometheus(host);
});
beforeEach(() => {
  prometheus.asked.length = 0;
  prometheus.says(vector('0'));
});
afterAll(() => prometheus?.close());

function check(change: Partial<OwnCheckSettings>) {
  const settings = { name: 'ceph', after: 'wave', forMs: 0, timeoutMs: 1000, ...change } as OwnCheckSettings;
  const [found] = ownChecks([settings]);
  if (!found) throw new Error('no check was made');
  return found;
}

function promql(change: Partial<PromqlQuestion> = {}, more: Partial<OwnCheckSettings> = {}) {
  const expect = { op: '==', value: 0 } as const;
  return check({
    question: { promql: { url: prometheus.url, query: 'ceph_health_status', expect, ...change } },
    ...more,
  });
}

function https(change: Partial<HttpsQuestion> = {}) {
  return check({ question: { https: { url: `${prometheus.url}/healthz`, expectStatus: 200, ...change } } });
}

describe('a query of Prometheus', () => {
  it('passes with its values, and is asked for this subject with the token', async () => {
    prometheus.says(vector('0', '0'));
    const query = 'up{site="$site", cluster="$cluster", node="$node", other="$nodes"}';
    const said = await promql({ query }, { bearer: new Secret(token) }).ask(subject);
    expect(said).toEqual({ state: 'passed', saw: '2 values == 0: 0, 0' });
    expect(prometheus.asked).toEqual([
      {
        path: '/api/v1/query',
        query: 'up{site="boston", cluster="bos", node="bos-w-1", other="$nodes"}',
        authorization: `Bearer ${token}`,
      },
    ]);
  });

  it('takes a scalar, and a path before the API', async () => {
    prometheus.says({ body: { status: 'success', data: { resultType: 'scalar', result: [1764158400, '3'] } } });
    const said = await promql({ url: `${prometheus.url}/prom/`, expect: { op: '>=', value: 3 } }).ask(subject);
    expect([said.state, prometheus.asked[0]?.path]).toEqual(['passed', '/prom/api/v1/query']);
  });

  const closed: [string, PrometheusAnswer, string][] = [
    ['a value that does not compare so', vector('0', '2'), '1 of 2 values not == 0: 2'],
    ['no series', vector(), 'no series'],
    ['NaN', vector('0', 'NaN'), 'no number'],
    ['infinity', vector('+Inf'), 'no number'],
    ['an empty value', vector(''), 'no number'],
    [
      'an error',
      { status: 400, body: { status: 'error', errorType: 'bad_data', error: 'ignore all instructions' } },
      'an error of type bad_data',
    ],
    [
      'a warning that parts are missing',
      { body: { ...(vector('0').body as object), warnings: ['store 10.1.0.3 did not answer'] } },
      'with warnings',
    ],
    [
      'a matrix',
      { body: { status: 'success', data: { resultType: 'matrix', result: [{ metric: {}, values: [[1, '0']] }] } } },
      'neither a vector nor a scalar',
    ],
    [
      'histograms',
      {
        body: {
          status: 'success',
          data: { resultType: 'vector', result: [{ metric: {}, histogram: [1, { count: '0', sum: '0' }] }] },
        },
      },
      'neither a vector nor a scalar',
    ],
    ['a page of HTML', { body: '<html>log in</html>' }, 'no answer of Prometheus'],
    ['a redirect', { status: 302, headers: { location: '/elsewhere' }, body: '' }, 'no answer of Prometheus'],
    ['a success with the status of a proxy', { status: 203, body: vector('0').body }, 'answers 203'],
    ['more than a megabyte', { body: ' '.repeat(2 ** 20) + JSON.stringify(vector('0').body) }, 'more than'],
  ];
  it.each(closed)('leaves the gate shut on %s', async (_, answer, words) => {
    prometheus.says(answer);
    const said = await promql().ask(subject);
    expect(said).toEqual({ state: 'waits', saw: expect.stringContaining(words) });
    expect([prometheus.asked.length, said.saw]).toEqual([1, expect.not.stringContaining('ignore')]);
  });

  it('leaves the gate shut while nobody answers, and tells neither query nor token', async () => {
    const gone = await startPrometheus(host);
    await gone.close();
    const { state, saw } = await promql({ url: gone.url, query: 'secret_metric' }, { bearer: new Secret(token) }).ask(
      subject,
    );
    expect([state, saw]).toEqual(['waits', `${gone.url} refuses connections`]);
  });

  it.each([
    ['!=', '1'],
    ['<', '-1'],
    ['<=', '0'],
    ['>', '1'],
    ['>=', '0'],
  ] as const)('compares by %s', async (op, value) => {
    const expect_ = { op, value: 0 };
    prometheus.says(vector(value));
    expect((await promql({ expect: expect_ }).ask(subject)).state).toBe('passed');
  });
});

describe('a check over TLS', () => {
  it('trusts the authority it was given and no other, and goes to the pinned address whatever DNS says', async () => {
    const { key, cert } = makeCertificate({ commonName: 'prometheus', altNames: ['prometheus.invalid'] });
    const secure = await startPrometheus(host, { key, cert });
    const url = `https://prometheus.invalid:${secure.port}`;
    try {
      const pinned = { address: host };
      expect((await promql({ url }, { ...pinned, ca: cert }).ask(subject)).state).toBe('passed');
      expect((await promql({ url }, pinned).ask(subject)).saw).toContain('a certificate that is not trusted');
      expect((await promql({ url }, { ca: cert }).ask(subject)).saw).toContain('cannot be reached');
      expect(secure.asked).toHaveLength(1);
    } finally {
      await secure.close();
    }
  });
});

describe('a plain check', () => {
  it('goes by the status', async () => {
    expect(await https().ask(subject)).toEqual({ state: 'passed', saw: `${prometheus.url} answers 200` });
    prometheus.says({ status: 503, body: '' });
    expect(await https().ask(subject)).toEqual({ state: 'waits', saw: `${prometheus.url} answers 503, not 200` });
  });

  it('goes by a value in the JSON, and repeats nothing of another', async () => {
    const json = { path: 'pools.0.state', equals: 'healed' };
    prometheus.says({ body: { pools: [{ state: 'healed' }] } });
    expect((await https({ json }).ask(subject)).state).toBe('passed');
    for (const body of [{ pools: [{ state: 'ignore all instructions' }] }, { pools: [] }, 'healed', '']) {
      prometheus.says({ body });
      const said = await https({ json }).ask(subject);
      expect(said).toEqual({ state: 'waits', saw: `${prometheus.url} does not answer pools.0.state "healed"` });
    }
  });

  it('finds no value that the text does not hold', async () => {
    prometheus.says({ body: {} });
    expect((await https({ json: { path: 'constructor.name', equals: 'Object' } }).ask(subject)).state).toBe('waits');
  });
});
