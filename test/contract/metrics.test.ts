import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FleetError } from '../../src/core/errors.ts';
import type { Finding } from '../../src/core/finding.ts';
import type { NewestLook } from '../../src/core/health-records.ts';
import { openMetrics } from '../../src/surfaces/metrics/metrics.ts';

const at = new Date('2026-03-01T00:00:00Z');
const quantities = [
  { name: 'Inlet "front"', unit: 'celsius' },
  { name: 'Fan1', unit: 'rpm' },
];
let looks: NewestLook[] = [];
const finding = { site: 'boston', node: 'n1', kind: 'fan', level: 'critical', state: 'open' } as Finding;
let open: Awaited<ReturnType<typeof openMetrics>>;

beforeAll(async () => {
  open = await openMetrics({
    host: '127.0.0.1',
    port: 0,
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
  const second = openMetrics({ host: '127.0.0.1', port: Number(port), servers: [], health });
  await expect(second.catch(thrown => FleetError.from(thrown).code)).resolves.toBe('port_taken');
});
