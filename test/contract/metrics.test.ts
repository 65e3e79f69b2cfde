import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FleetError } from '../../src/core/errors.ts';
import type { Finding } from '../../src/core/finding.ts';
import type { Freeze } from '../../src/core/freeze.ts';
import type { NewestLook } from '../../src/core/health-records.ts';
import type { PolicyStanding } from '../../src/core/policy.ts';
import { openMetrics } from '../../src/surfaces/metrics/metrics.ts';

const at = new Date('2026-03-01T00:00:00Z');
const quantities = [
  { name: 'Inlet "front"', unit: 'celsius' },
  { name: 'Fan1', unit: 'rpm' },
];
let looks: NewestLook[] = [];
const finding = { site: 'boston', node: 'n1', kind: 'fan', level: 'critical', state: 'open' } as Finding;
const own = {
  everyMs: 60_000,
  backlog: () => ({ waiting: 3, dropped: 2 }),
  logIns: () => [
    { site: 'boston', tried: 2, refused: 1, withheld: 0 },
    { site: 'boston', tried: 1, refused: 1, withheld: 5 },
  ],
  sessions: async () => 4,
  policyStanding: (): PolicyStanding => rules.policy,
  freezes: { standing: async () => rules.freezes },
  hearings: () => [
    { site: 'boston', way: 'stream' as const, why: '', received: 5, dropped: 3 },
    { site: 'boston', way: 'polling' as const, why: '', received: 1, dropped: 0 },
  ],
};
const rules: { policy: PolicyStanding; freezes: Freeze[] } = { policy: { state: 'current', digest: 'x' }, freezes: [] };
let open: Awaited<ReturnType<typeof openMetrics>>;

beforeAll(async () => {
  open = await openMetrics({
    host: '127.0.0.1',
    port: 0,
    ...own,
    servers: [
      { node: 'n1', site: 'boston' },
      { node: 'n2', site: 'boston' },
    ],
    health: {
      newest: () => looks,
      findings: () => [finding, { ...finding, state: 'cleared' }],
      score: node =>
        node === 'n1' ? { level: 'critical', score: 40, reasons: [] } : { level: 'unknown', reasons: [] },
    },
  });
});
afterAll(() => open?.close());

async function scrape(): Promise<string[]> {
  const answer = await fetch(open.url);
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  return (await answer.text()).split('\n');
}

it('tells what keeps changes from happening, and that policies in the folder are not followed', async () => {
  expect(await scrape()).toContain('groundskeeper_policy_kept 0');
  rules.policy = { state: 'kept', digest: 'x', problem: 'no @id' };
  rules.freezes = [{ id: 'frz-1', site: 'boston', cluster: '*', reason: 'smoke', by: 'ana', at: at.toISOString() }];
  const lines = await scrape();
  expect(lines).toContain('groundskeeper_policy_kept 1');
  expect(lines).toContain('groundskeeper_freezes{site="boston",cluster="*"} 1');
  rules.freezes = [];
  expect((await scrape()).filter(line => line.startsWith('groundskeeper_freezes{'))).toEqual([]);
});

it('tells each reading once, no number where there was none, and nothing of what is gone', async () => {
  const look = { site: 'boston', at, tookMs: 250 };
  looks = [
    { ...look, node: 'n1', quantities, values: [22.5, null] },
    { ...look, node: 'n2', missing: 'no answer', quantities: [], values: [] },
  ];
  const first = await scrape();
  expect(first.filter(line => line.startsWith('groundskeeper_sensor'))).toEqual([
    'groundskeeper_sensor{site="boston",node="n1",sensor="Inlet \\"front\\"",unit="celsius"} 22.5',
  ]);
  expect(first).toEqual(
    expect.arrayContaining([
      'groundskeeper_bmc_up{site="boston",node="n1"} 1',
      'groundskeeper_bmc_up{site="boston",node="n2"} 0',
      'groundskeeper_bmc_look_seconds{site="boston",node="n1"} 0.25',
      'groundskeeper_bmc_look_timestamp_seconds{site="boston",node="n1"} 1772323200',
      'groundskeeper_findings{site="boston",kind="fan",level="critical",state="open"} 1',
    ]),
  );
  expect(first.filter(line => line.startsWith('groundskeeper_server_score'))).toEqual([
    'groundskeeper_server_score{site="boston",node="n1"} 40',
  ]);
  looks = [];
  expect((await scrape()).filter(line => line.startsWith('groundskeeper_sensor'))).toEqual([]);
});

it('tells how late each site is, and what the watch itself costs and loses', async () => {
  const before = (ms: number) => new Date(Date.now() - ms);
  const look = { tookMs: 250, quantities, values: [22.5, 8000], site: 'boston' };
  looks = [
    { ...look, node: 'n1', at: before(100_000) },
    { ...look, node: 'n2', at: before(400_000) },
  ];
  const told = await scrape();
  const numberOf = (name: string) => Number(told.find(line => line.startsWith(`groundskeeper_${name}`))?.split(' ')[1]);
  const within = (value: number, low: number) => expect([value >= low, value < low + 30]).toEqual([true, true]);
  within(numberOf('site_lateness_seconds{site="boston"}'), 40);
  within(numberOf('site_look_age_seconds{site="boston"}'), 400);
  expect(told).toEqual(
    expect.arrayContaining([
      'groundskeeper_samples_waiting 3',
      'groundskeeper_samples_dropped_total 2',
      'groundskeeper_bmc_sessions 4',
      'groundskeeper_bmcs_heard{site="boston",way="stream"} 1',
      'groundskeeper_bmcs_heard{site="boston",way="polling"} 1',
      'groundskeeper_bmc_events_total{site="boston"} 6',
      'groundskeeper_bmc_events_dropped_total{site="boston"} 3',
      'groundskeeper_bmc_logins_total{site="boston",outcome="tried"} 3',
      'groundskeeper_bmc_logins_total{site="boston",outcome="refused"} 2',
      'groundskeeper_bmc_logins_total{site="boston",outcome="withheld"} 5',
    ]),
  );
  looks = [];
  // Who was never looked at waits since the start.
  expect((await scrape()).some(line => line.startsWith('groundskeeper_site_look_age_seconds{site="boston"}'))).toBe(
    true,
  );
});

it('has every number that the dashboard asks for', async () => {
  looks = [{ site: 'boston', node: 'n1', at, tookMs: 250, quantities, values: [22.5, 8000] }];
  const told = new Set((await scrape()).flatMap(line => /^groundskeeper_\w+/.exec(line) ?? []));
  const dashboard = await readFile(new URL('../../deploy/grafana/servers.json', import.meta.url), 'utf8');
  const asked = new Set(dashboard.match(/groundskeeper_[a-z_]+/g));
  expect(asked.size).toBeGreaterThan(4);
  expect([...asked].filter(name => !told.has(name))).toEqual([]);
});

it('serves nothing else, and says which address is taken', async () => {
  expect((await fetch(new URL('/', open.url))).status).toBe(404);
  const { port } = new URL(open.url);
  const health = { newest: () => [], findings: () => [], score: () => ({ level: 'unknown' as const, reasons: [] }) };
  const second = openMetrics({ host: '127.0.0.1', port: Number(port), servers: [], health, ...own });
  await expect(second.catch(thrown => FleetError.from(thrown).code)).resolves.toBe('port_taken');
});
