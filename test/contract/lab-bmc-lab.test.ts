import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { sha256 } from '../../src/core/canonical.ts';
import { shippedManifests } from '../../src/demo/lab-part.ts';
import { describeLab } from '../../src/lab/description.ts';
import { type LabOptions, type RunningLab, startLab } from '../../src/lab/lab.ts';
import { layOut } from '../../src/lab/layout.ts';

const undo: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

async function start(options: Partial<LabOptions> = {}): Promise<RunningLab> {
  const dir = await mkdtemp(join(tmpdir(), 'lab-'));
  undo.push(() => rm(dir, { recursive: true }));
  const lab = await startLab({
    sites: 1,
    controlPlanes: 1,
    workers: 3,
    speed: 600,
    seed: 7,
    dir,
    manifests: shippedManifests,
    addressBase: '127.103',
    ...options,
  });
  undo.push(lab.stop);
  return lab;
}

describe('the layout', () => {
  test('names sites and nodes, gives every site all vendors among its workers, and alternates racks', () => {
    const sites = layOut({ sites: 4, controlPlanes: 3, workers: 3 });
    expect(sites.map(({ name }) => name)).toEqual(['boston', 'chicago', 'seattle', 'site-4']);
    const nodes = sites[0]?.nodes ?? [];
    expect(nodes.map(({ name }) => name)).toEqual([
      'bos-cp-1',
      'bos-cp-2',
      'bos-cp-3',
      'bos-w-1',
      'bos-w-2',
      'bos-w-3',
    ]);
    expect(nodes.map(({ vendor }) => vendor)).toEqual(['dell', 'hpe', 'openbmc', 'hpe', 'openbmc', 'dell']);
    expect(nodes.slice(3).map(({ zone }) => zone)).toEqual(['rack-a', 'rack-a', 'rack-a']);
    expect(sites[1]?.api).toEqual({ address: '127.20.2.1', port: 6443 });
    expect(nodes[5]?.bmc).toEqual({ address: '127.20.1.16', port: 8443 });
  });

  test('never gives one endpoint or name twice, also with one address only', () => {
    for (const basePort of [undefined, 20_000]) {
      const sites = layOut({ sites: 12, controlPlanes: 3, workers: 9, basePort });
      const nodes = sites.flatMap(site => site.nodes);
      const endpoints = [...sites.map(site => site.api), ...nodes.map(node => node.bmc)];
      expect(new Set(endpoints.map(({ address, port }) => `${address}:${port}`)).size).toBe(endpoints.length);
      expect(new Set(nodes.map(({ name }) => name)).size).toBe(nodes.length);
    }
  });
});

describe('a lab', () => {
  test('writes what a fleet configuration needs, and describes itself', async () => {
    const lab = await start();
    const description = describeLab(lab);
    const [site] = description.sites;
    const nodes = site?.nodes ?? [];
    expect(nodes.map(({ bmcUrl }) => bmcUrl)).toEqual([11, 12, 13, 14].map(n => `https://127.103.1.${n}:8443`));
    expect(new Set(nodes.flatMap(({ spki, serial, uuid }) => [spki, serial, uuid])).size).toBe(12);
    const { kubeconfigFile = '', adminKubeconfigFile = '' } = site?.cluster ?? {};
    for (const file of [kubeconfigFile, adminKubeconfigFile]) {
      expect(await readFile(file, 'utf8')).toContain('https://127.103.1.1:6443');
      expect((await stat(file)).mode & 0o777).toBe(0o600);
    }
    for (const image of description.images) {
      expect(sha256(await readFile(image.file)).toString('hex')).toBe(image.sha256);
    }
    const password = await readFile(description.account.passwordFile, 'utf8');
    expect((await stat(description.account.passwordFile)).mode & 0o777).toBe(0o600);
    expect(JSON.stringify(description)).not.toContain(password);
  });

  test('has the same identities and images at the next start, and other passwords', async () => {
    const first = await start();
    const second = await start({ addressBase: '127.104' });
    const identities = (lab: RunningLab) =>
      lab.sites.flatMap(site => site.nodes.map(({ host }) => [host.uuid, host.serial]));
    expect(identities(second)).toEqual(identities(first));
    expect(second.images.map(image => image.sha256)).toEqual(first.images.map(image => image.sha256));
    const passwords = await Promise.all([first, second].map(lab => readFile(lab.account.passwordFile, 'utf8')));
    expect(passwords[0]).not.toBe(passwords[1]);
  });

  test('runs on one address with consecutive ports where there is only one', async () => {
    const lab = await start({ basePort: 24_310 });
    expect(lab.sites[0]?.cluster.url).toBe('https://127.0.0.1:24310');
    expect(lab.node('bos-w-3').server.url).toBe('https://127.0.0.1:24314');
  });

  test('names the address that is taken, and leaves nothing running', async () => {
    const squatter = createServer().listen(8443, '127.105.1.12');
    undo.push(() => new Promise(resolve => squatter.close(() => resolve())));
    const failing = start({ addressBase: '127.105' });
    await expect(failing).rejects.toMatchObject({
      code: 'port_taken',
      message: expect.stringContaining('127.105.1.12:8443'),
    });
    const free = createServer().listen(8443, '127.105.1.11');
    await new Promise((resolve, reject) => free.once('listening', resolve).once('error', reject));
    await new Promise(resolve => free.close(resolve));
  });
});

describe('the control API', () => {
  test('shows lab, effects and sessions, and sets and clears faults', async () => {
    const lab = await start();
    const call = async (method: string, path: string, body?: unknown) => {
      const response = await fetch(lab.controlUrl + path, {
        method,
        body: body === undefined ? null : JSON.stringify(body),
      });
      return { status: response.status, body: await response.json() };
    };
    expect((await call('GET', '/lab')).body).toEqual(JSON.parse(JSON.stringify(describeLab(lab))));
    expect((await call('GET', '/effects?after=0')).body).toEqual([]);
    expect((await call('GET', '/sessions')).body).toHaveLength(4);
    const fault = { kind: 'fan-failing' };
    expect((await call('POST', '/faults', { server: 'bos-w-3', fault })).body).toEqual([{ ...fault, fan: 1 }]);
    expect(lab.node('bos-w-3').server.faults.get('fan-failing')).toBeDefined();
    expect((await call('DELETE', '/faults/bos-w-3')).status).toBe(200);
    expect(lab.node('bos-w-3').server.faults.list()).toEqual([]);
    expect((await call('POST', '/faults', { server: 'bos-w-9', fault })).status).toBe(404);
    expect((await call('POST', '/faults', { server: 'bos-w-3', fault: { kind: 'gremlins' } })).status).toBe(400);
    const browser = await fetch(`${lab.controlUrl}/lab`, { headers: { origin: 'https://example.com' } });
    expect(browser.status).toBe(403);
  });

  test('makes things go wrong with an API server, and restarts it', async () => {
    const lab = await start();
    const cluster = lab.sites[0]?.cluster.name ?? '';
    const call = async (method: string, path: string, body?: unknown) => {
      const init = { method, body: body === undefined ? null : JSON.stringify(body) };
      const response = await fetch(lab.controlUrl + path, init);
      return { status: response.status, body: await response.json() };
    };
    const fault = { kind: 'answer', status: 429, method: 'POST', path: '/eviction$', times: 3 };
    expect(await call('POST', '/faults', { cluster, fault })).toEqual({ status: 200, body: [fault] });
    expect((await call('GET', '/faults')).body).toMatchObject({ [cluster]: [fault], 'bos-w-1': [] });
    expect((await call('DELETE', `/faults/${cluster}`)).status).toBe(200);
    expect((await call('GET', '/faults')).body).toMatchObject({ [cluster]: [] });
    expect((await call('POST', '/faults', { cluster: 'nowhere', fault })).status).toBe(404);
    const wrong = { ...fault, path: '(' };
    expect((await call('POST', '/faults', { cluster, fault: wrong })).status).toBe(400);
    expect((await call('POST', `/clusters/${cluster}/restart`)).status).toBe(200);
    expect((await call('POST', `/clusters/${cluster}/explode`)).status).toBe(400);
  });
});
