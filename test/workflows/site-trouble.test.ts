/**
 * One site in trouble, by the wire: thousands of log entries, its line cut, a
 * BMC that is slow. The others are looked at as before, and the trouble is told
 * as what it is. A minute of looks is a second here, and so is everything else.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endTrouble, playTrouble } from '../../src/lab/correlated.ts';
import type { LabNode } from '../../src/lab/lab.ts';
import type { Client } from '../../src/surfaces/cli/client.ts';
import type { FindingOutput } from '../../tools/parts/finding-output.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

const everyMs = 1000;
/** A dozen beats. Who waited for a site that is cut would miss several dozens. */
const lateMs = 12 * everyMs;
/** A look that began just before the end may still have come through, as reads are tried three times. */
const retryMs = 2000;
/** A look at what is cut takes its whole time, and a longer pause follows. */
const patienceMs = 100_000;
const historyHours = 4 / 60;

let stack: Stack;
let client: Client;

beforeAll(async () => {
  stack = await startStack({
    addressBase: '127.121',
    sites: 2,
    controlPlanes: 1,
    workers: 3,
    speed: 60,
    sampleEvery: `${everyMs}ms`,
  });
  client = await stack.client('requester');
  await eventually('every server to be looked at', async () => (allNodes().every(read) ? true : undefined));
});
afterAll(() => stack?.close());

const nodesOf = (site: string) => stack.lab.sites.find(({ name }) => name === site)?.nodes ?? [];
const allNodes = () => stack.lab.sites.flatMap(site => site.nodes);
const read = (node: LabNode) => looksAt(node).length > 2;

/** Each look reads the system, and reads it first. Milliseconds since 1970. */
function looksAt({ server }: LabNode, from = 0): number[] {
  const system = `/redfish/v1/Systems/${server.profile.systemId}`;
  return server
    .received()
    .filter(({ method, path, at }) => method === 'GET' && path === system && at >= from)
    .map(({ at }) => at);
}

/** The longest that each of these servers was left alone between then and now. */
function longestPauses(nodes: LabNode[], from: number): [string, number][] {
  return nodes.map(node => {
    const times = [from, ...looksAt(node, from), Date.now()];
    return [node.name, Math.max(...times.slice(1).map((time, index) => time - (times[index] ?? 0)))];
  });
}

/** Those of the other site that had to wait as if for the one in trouble. */
const late = (from: number) => longestPauses(nodesOf('chicago'), from).filter(([, pause]) => pause >= lateMs);

async function findings(input: { node?: string; hours?: number } = {}): Promise<FindingOutput[]> {
  const { output } = await client.callTool('listFindings', input);
  // All of the lab runs older firmware than its baseline wants.
  return (output as unknown as { findings: FindingOutput[] }).findings.filter(({ kind }) => kind !== 'firmware-drift');
}

async function power(node: string) {
  const { output } = await client.callTool('getSensorHistory', { node, sensor: 'power', hours: historyHours });
  const { series } = output as unknown as {
    series: {
      stepMs: number;
      points: { at: string; mean: number | null }[];
      gaps: { at: string; reason: string }[];
    };
  };
  return series;
}

/** Looks that came through since then, of every one of them. */
const looked = (nodes: LabNode[], from: number, times: number) =>
  eventually(`${times} looks at each of ${nodes.length}`, async () =>
    nodes.every(node => looksAt(node, from).length >= times) ? true : undefined,
  );

describe('a storm of ten thousand log entries from one site', () => {
  it('makes no look at another site late, and no look at its own fail', async () => {
    const began = Date.now();
    const { done } = playTrouble(stack.lab, { kind: 'event-storm', site: 'boston', overMs: 10 * 60_000 });
    await done;
    await looked(allNodes(), Date.now(), 3);
    expect(late(began)).toEqual([]);
    for (const { name } of nodesOf('boston')) expect((await power(name)).gaps).toEqual([]);
    expect((await findings()).map(({ kind }) => kind)).not.toContain('bmc-unreachable');
  });
});

describe('a site whose line is cut', () => {
  let began: number;
  let ended: number;
  let logIns: { good: number; bad: number }[];

  it('is one alarm and not one for each node, and is late alone', async () => {
    const boston = nodesOf('boston');
    logIns = boston.map(({ server }) => ({ ...server.logIns() }));
    began = Date.now();
    playTrouble(stack.lab, { kind: 'wan-cut', site: 'boston' });
    const alarm = await eventually(
      'the alarm',
      async () => (await findings()).find(({ kind }) => kind === 'site-unreachable'),
      patienceMs,
    );
    // The line is known to be down by now, so that looks fail at once and each node has its own story.
    for (const { server } of boston) server.faults.set({ kind: 'bmc-down', mode: 'refused' });
    await eventually(
      'the silence of each BMC to be found',
      async () => {
        const own = (await findings()).filter(({ kind }) => kind === 'bmc-unreachable');
        return own.length === boston.length ? true : undefined;
      },
      patienceMs,
    );
    const all = await findings();
    expect(all.filter(({ foldedUnder }) => foldedUnder === undefined).map(({ kind, site }) => [kind, site])).toEqual([
      ['site-unreachable', 'boston'],
    ]);
    expect(
      all
        .filter(({ foldedUnder }) => foldedUnder === alarm.id)
        .map(({ node }) => node)
        .toSorted(),
    ).toEqual(boston.map(({ name }) => name).toSorted());
    expect(late(began)).toEqual([]);
    expect(boston.map(({ server }) => server.logIns())).toEqual(logIns);
  }, 250_000);

  it('is looked at again when it is back, with one log-in for each BMC and not one for each look missed', async () => {
    const boston = nodesOf('boston');
    ended = Date.now();
    endTrouble(stack.lab, { kind: 'wan-cut', site: 'boston' });
    await looked(boston, ended, 5);
    for (const [index, { server }] of boston.entries()) {
      const { good, bad } = server.logIns();
      expect([good - (logIns[index]?.good ?? 0) <= 1, bad]).toEqual([true, 0]);
      expect(server.sessions().length).toBe(1);
    }
    await eventually('all of it to be over', async () => ((await findings()).length === 0 ? true : undefined));
    const over = (await findings({ hours: 1 })).filter(({ kind }) => kind === 'site-unreachable');
    expect(over.map(({ state, latched }) => [state, latched])).toEqual([['cleared', false]]);
    expect(late(began)).toEqual([]);
  });

  it('has a gap in its history for just that time, and the other site has none', async () => {
    for (const { name } of nodesOf('boston')) {
      const { stepMs, points, gaps } = await power(name);
      const times = points.map(({ at, mean }) => ({ at: Date.parse(at), read: mean !== null }));
      const within = times.filter(({ at }) => at >= began && at + stepMs <= ended - retryMs);
      expect(within.length).toBeGreaterThan(1);
      expect(within.filter(({ read }) => read)).toEqual([]);
      const before = times.findLast(({ at, read }) => read && at < began)?.at ?? 0;
      const after = times.find(({ at, read }) => read && at + stepMs > ended - retryMs)?.at ?? Number.POSITIVE_INFINITY;
      expect(began - before).toBeLessThan(lateMs);
      expect(after - ended).toBeLessThan(lateMs);
      const told = gaps.map(({ at }) => Date.parse(at));
      expect(told.length).toBeGreaterThan(2);
      expect(told.filter(at => at < began - lateMs || at > ended)).toEqual([]);
    }
    for (const { name } of nodesOf('chicago')) expect((await power(name)).gaps).toEqual([]);
  });
});

it('a BMC that takes half an interval for each answer is read as far as it goes, and is late alone', async () => {
  const [slow, ...others] = nodesOf('boston');
  if (!slow) return expect.fail('the lab has servers');
  const began = Date.now();
  slow.server.faults.set({ kind: 'slow', ms: everyMs / 2 });
  await eventually('it to be read twice', async () => {
    const { points } = await power(slow.name);
    const read = points.filter(({ at, mean }) => mean !== null && Date.parse(at) > began);
    return read.length >= 2 && looksAt(slow, began).length >= 3 ? true : undefined;
  });
  expect((await findings({ node: slow.name })).map(({ kind }) => kind)).not.toContain('bmc-unreachable');
  expect((await power(slow.name)).gaps.filter(({ at }) => Date.parse(at) > began)).toEqual([]);
  const waited = longestPauses([...others, ...nodesOf('chicago')], began);
  expect(waited.filter(([, pause]) => pause >= lateMs)).toEqual([]);
});
