import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import { shippedManifests } from '../../src/demo/lab-part.ts';
import { endTrouble, playTrouble } from '../../src/lab/correlated.ts';
import { type LabNode, type RunningLab, startLab } from '../../src/lab/lab.ts';
import { eventually } from '../support/lab-bmc.ts';
import { memoryLedger } from '../support/session-ledger.ts';

let lab: RunningLab;
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lab-'));
  lab = await startLab({
    sites: 2,
    controlPlanes: 1,
    workers: 5,
    speed: 600,
    seed: 11,
    dir,
    manifests: shippedManifests,
    addressBase: '127.123',
  });
});
afterAll(async () => {
  await lab?.stop();
  await rm(dir, { recursive: true, force: true });
});

const nodesOf = (site: string) => lab.sites.find(({ name }) => name === site)?.nodes ?? [];
const withFault = (kind: Parameters<LabNode['server']['faults']['get']>[0]) =>
  lab.sites.flatMap(site => site.nodes).filter(({ server }) => server.faults.get(kind) !== undefined);
const namesOf = (nodes: LabNode[]) => nodes.map(({ name }) => name);

describe('what goes wrong together', () => {
  it('writes ten thousand entries over one site, and none anywhere else', async () => {
    const { password, username } = await accountOf(lab);
    const newest = async ({ server, vendor }: LabNode) => {
      const bmcs = openBmcs({
        bmcs: [{ node: 'n', url: server.url, username, password, spki: server.spki }],
        ledger: memoryLedger(),
      });
      const log = (await bmcs.of('n').sample()).log;
      await bmcs.end();
      return 'value' in log ? Number(log.value[0]?.id) : expect.fail(`${vendor} has a log`);
    };
    const idsOf = async (nodes: LabNode[]) => Promise.all(nodes.map(newest));
    const [here, there] = [nodesOf('boston'), nodesOf('chicago')];
    const before = [await idsOf(here), await idsOf(there)];
    await playTrouble(lab, { kind: 'event-storm', site: 'boston', events: 10_000 }).done;
    const after = [await idsOf(here), await idsOf(there)];
    const written = (site: number) => (after[site] ?? []).map((id, index) => id - (before[site]?.[index] ?? 0));
    expect(written(0).reduce((sum, each) => sum + each, 0)).toBe(10_000);
    expect(new Set(written(0)).size).toBeGreaterThan(1);
    expect(written(1)).toEqual(there.map(() => 0));
  });

  it('warms the inlets of one rack, each by its own degrees, and ends there', () => {
    const { servers } = playTrouble(lab, { kind: 'inlet-ramp', site: 'boston', rack: 'rack-a', celsius: 10 });
    const warm = withFault('inlet-rising');
    expect(namesOf(warm)).toEqual(servers);
    expect(warm.map(({ zone }) => zone)).toEqual(warm.map(() => 'rack-a'));
    expect(warm.length).toBe(nodesOf('boston').filter(({ zone }) => zone === 'rack-a').length);
    const degrees = warm.map(({ server }) => server.faults.get('inlet-rising')?.celsius ?? 0);
    expect(new Set(degrees).size).toBe(warm.length);
    expect(Math.min(...degrees)).toBeGreaterThanOrEqual(8.5);
    expect(Math.max(...degrees)).toBeLessThanOrEqual(11.5);
    endTrouble(lab, { kind: 'inlet-ramp', site: 'boston' });
    expect(withFault('inlet-rising')).toEqual([]);
  });

  it('takes the same servers and fans for the same seed, and others for another', () => {
    const play = (seed: number) => {
      playTrouble({ ...lab, seed }, { kind: 'fan-loss', site: 'chicago' });
      const hit = withFault('fan-failing').map(({ name, server }) => [name, server.faults.get('fan-failing')?.fan]);
      endTrouble(lab, { kind: 'fan-loss', site: 'chicago' });
      return hit;
    };
    const first = play(1);
    expect(first.length).toBe(3);
    expect(play(1)).toEqual(first);
    expect([2, 3, 4].map(play)).not.toEqual([first, first, first]);
  });

  it('lets corrected memory errors turn into an uncorrectable one on the same DIMM', async () => {
    const { servers, done } = playTrouble(lab, { kind: 'memory-failing', site: 'boston', servers: 2, afterMinutes: 5 });
    expect(namesOf(withFault('ecc-uncorrectable'))).toEqual([]);
    const rising = withFault('ecc-rising').map(({ server }) => server.faults.get('ecc-rising')?.dimm);
    await done;
    const lost = withFault('ecc-uncorrectable');
    expect(namesOf(lost).toSorted()).toEqual(servers.toSorted());
    expect(lost.map(({ server }) => server.faults.get('ecc-uncorrectable')?.dimm)).toEqual(rising);
    endTrouble(lab, { kind: 'memory-failing', site: 'boston' });
  });

  it('cuts the line to a site: no handshake ends, nothing is refused, and all is back after', async () => {
    const [node] = nodesOf('chicago');
    const { bmc, api } = { bmc: new URL(node?.server.url ?? ''), api: lab.sites[1]?.api };
    playTrouble(lab, { kind: 'wan-cut', site: 'chicago' });
    for (const [host, port] of [
      [bmc.hostname, Number(bmc.port)],
      [api?.address ?? '', api?.port ?? 0],
    ] as const) {
      const plain = connectTcp({ host, port });
      await new Promise((resolve, reject) => plain.once('connect', resolve).once('error', reject));
      plain.destroy();
      const heard: string[] = [];
      const secure = connectTls({ host, port, rejectUnauthorized: false });
      for (const event of ['secureConnect', 'error', 'close'] as const) secure.on(event, () => heard.push(event));
      // As long as one of the site that is not cut needs many times over.
      await expect(eventually('any answer', () => heard.length > 0, 1000)).rejects.toThrow();
      secure.destroy();
    }
    endTrouble(lab, { kind: 'wan-cut', site: 'chicago' });
    const secure = connectTls({ host: bmc.hostname, port: Number(bmc.port), rejectUnauthorized: false });
    await new Promise((resolve, reject) => secure.once('secureConnect', resolve).once('error', reject));
    secure.destroy();
  });

  it('is played through the control API, which knows neither other kinds nor other places', async () => {
    const call = async (method: string, path: string, body?: unknown) => {
      const sent = { method, body: body === undefined ? null : JSON.stringify(body) };
      const response = await fetch(lab.controlUrl + path, sent);
      return { status: response.status, body: (await response.json()) as { servers?: string[] } };
    };
    const cut = await call('POST', '/troubles', { kind: 'wan-cut', site: 'boston' });
    expect(cut.body.servers).toEqual(namesOf(nodesOf('boston')));
    expect(withFault('bmc-down').length).toBe(6);
    expect((await call('DELETE', '/troubles/boston/wan-cut')).status).toBe(200);
    expect(withFault('bmc-down')).toEqual([]);
    expect((await call('POST', '/troubles', { kind: 'wan-cut', site: 'nowhere' })).status).toBe(404);
    expect((await call('POST', '/troubles', { kind: 'inlet-ramp', site: 'boston', rack: 'r' })).status).toBe(404);
    expect((await call('POST', '/troubles', { kind: 'locusts', site: 'boston' })).status).toBe(400);
    expect((await call('DELETE', '/troubles/boston/locusts')).status).toBe(400);
  });
});

async function accountOf({ account }: RunningLab): Promise<{ username: string; password: string }> {
  return { username: account.username, password: await readFile(account.passwordFile, 'utf8') };
}
