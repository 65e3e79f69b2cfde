import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { testGrant } from '../support/grant.ts';
import { atItsVersion, type KubernetesScene, kubernetesScene, quietNode, until } from '../support/kubernetes-lab.ts';

let scene: KubernetesScene;
const maps = '/api/v1/namespaces/default/configmaps';

beforeAll(async () => {
  scene = await kubernetesScene('127.61.0.21');
});
afterEach(() => scene.lab.faults.clear());
afterAll(() => scene.close());

const post = (name: string) => scene.raw(maps, { method: 'POST', body: { metadata: { name } } });
const exists = async (name: string) => (await scene.raw(`${maps}/${name}`)).status === 200;
const cordon = (unschedulable: boolean) =>
  atItsVersion(scene, 'w-1', resourceVersion =>
    scene.cluster.patchNode(testGrant, { name: 'w-1', resourceVersion, unschedulable, annotations: {} }),
  );

describe('a fault of the API server', () => {
  it('answers the requests it aims at, as often as it was told, and performs none of them', async () => {
    scene.lab.faults.set({
      kind: 'answer',
      status: 429,
      retryAfterSeconds: 1,
      method: 'POST',
      path: '/configmaps$',
      times: 2,
    });
    const first = await post('aimed');
    expect(first).toMatchObject({ status: 429, headers: { 'retry-after': '1' } });
    expect(first.headers['x-kubernetes-pf-flowschema-uid']).toBeTruthy();
    expect(first.body.message).toBe('Too many requests, please try again later.\n');
    expect((await scene.raw(maps)).status).toBe(200);
    expect((await post('aimed')).status).toBe(429);
    expect(await exists('aimed')).toBe(false);
    expect((await post('aimed')).status).toBe(201);
  });

  it.each([500, 503, 504] as const)('answers %i as a Status', async status => {
    scene.lab.faults.set({ kind: 'answer', status });
    expect(await scene.raw('/api/v1/nodes')).toMatchObject({ status, body: { kind: 'Status', code: status } });
    expect((await scene.raw('/api/v1/nodes')).status).toBe(200);
  });

  it('is met by a client that waits and asks again for reads, and sends writes once', async () => {
    scene.lab.faults.set({ kind: 'answer', status: 429, method: 'GET', path: '/nodes$', times: 2 });
    expect(await scene.cluster.nodes()).toHaveLength(4);
    scene.lab.faults.set({ kind: 'answer', status: 503, method: 'PATCH' });
    const effects = scene.effects.since().length;
    await expect(cordon(true)).rejects.toMatchObject({ code: 'cluster_unreachable' });
    expect(scene.effects.since(effects).map(({ method, status }) => [method, status])).toEqual([['PATCH', 503]]);
    expect((await scene.cluster.node('w-1')).unschedulable).toBe(false);
  });

  it('loses an answer after the write was done, or the request before it', async () => {
    await quietNode(scene, 'w-1');
    scene.lab.faults.set({ kind: 'lost-answer', method: 'PATCH' });
    await expect(cordon(true)).rejects.toMatchObject({ code: 'ambiguous' });
    expect((await scene.cluster.node('w-1')).unschedulable).toBe(true);
    scene.lab.faults.set({ kind: 'lost-request', method: 'PATCH' });
    await expect(cordon(false)).rejects.toMatchObject({ code: 'ambiguous' });
    expect((await scene.cluster.node('w-1')).unschedulable).toBe(true);
    expect((await cordon(false)).unschedulable).toBe(false);
  });

  it('makes answers late, and refuses what is none of its kinds', async () => {
    scene.lab.faults.set({ kind: 'slow', ms: 300 });
    const begun = performance.now();
    await scene.raw('/api/v1/nodes/w-1');
    expect(performance.now() - begun).toBeGreaterThanOrEqual(299);
    expect(() => scene.lab.faults.set({ kind: 'answer', status: 429, path: '(' })).toThrowError(/regular expression/);
  });
});

describe('watches', () => {
  const open = () => scene.watch(`${maps}?watch=true`);

  it('are silent while the fault lasts, and cut after it', async () => {
    const watch = await open();
    await post('heard');
    await until('the watch tells', () => watch.events.some(({ object }) => object.metadata?.name === 'heard'));
    scene.lab.faults.set('watch-silence');
    const later = await open();
    await post('unheard');
    expect(await exists('unheard')).toBe(true);
    expect([watch.ended(), later.ended(), later.events.length]).toEqual([false, false, 0]);
    scene.lab.faults.clear('watch-silence');
    await until('both are cut', () => watch.ended() && later.ended());
    expect(watch.events.map(({ object }) => object.metadata?.name)).not.toContain('unheard');
  });

  it('are told 410 inside the stream, once', async () => {
    scene.lab.faults.set({ kind: 'watch-expired' });
    const watch = await open();
    await until('it ends', () => watch.ended());
    expect(watch.events).toMatchObject([{ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } }]);
    const next = await open();
    await until('it begins', () => next.events.length > 0);
    expect(next.events[0]?.type).toBe('ADDED');
    next.stop();
  });

  it('are dropped', async () => {
    const watch = await open();
    scene.lab.cutWatches();
    await until('it is cut', () => watch.ended());
  });
});

describe('a partition', () => {
  it('lets nothing through, old connections or new, and performs nothing', async () => {
    await scene.cluster.version();
    const watch = await scene.watch(`${maps}?watch=true`);
    scene.lab.faults.set('partition');
    const effects = scene.effects.since().length;
    const asked = post('cut-off').then(
      () => 'answered',
      () => 'cut',
    );
    scene.lab.store.create('configmaps', { metadata: { name: 'inside', namespace: 'default' } });
    await expect(scene.cluster.version()).rejects.toMatchObject({ code: expect.stringMatching(/timeout|unreachable/) });
    expect(watch.events.map(({ object }) => object.metadata?.name)).not.toContain('inside');
    scene.lab.faults.clear('partition');
    expect(await asked).toBe('cut');
    expect(scene.effects.since(effects)).toEqual([]);
    expect(await exists('cut-off')).toBe(false);
    await until('the watch is cut', () => watch.ended());
  });
});

describe('the clock of the API server', () => {
  it.each([3_600_000, -3_600_000])('may be %d ms off: what it stamps is, and everything works on', async skewMs => {
    const isOff = (time = '') => Math.abs(Date.parse(time) - Date.now() - skewMs) < 60_000;
    scene.lab.faults.set({ kind: 'api-clock', skewMs });
    const name = `stamped${skewMs}`;
    const { headers, body } = await post(name);
    const { creationTimestamp } = body.metadata as { creationTimestamp?: string };
    expect([isOff(headers.date), isOff(creationTimestamp)]).toEqual([true, true]);
    const [pod] = (await scene.cluster.pods()).filter(each => each.namespace === 'shop' && each.labels.app === 'web');
    if (!pod) throw new Error('no pod of shop/web');
    const budget = async () => (await scene.cluster.pdbs()).find(each => each.name === 'web')?.disruptionsAllowed;
    await until('the budget allows one', async () => (await budget()) === 1);
    expect(await scene.cluster.evict(testGrant, pod)).toEqual({ outcome: 'accepted' });
    await until('it is gone, and another one runs', async () => {
      const pods = await scene.cluster.pods();
      return pods.every(({ uid }) => uid !== pod.uid) && (await budget()) === 1;
    });
    expect((await scene.cluster.nodes()).map(({ ready }) => ready)).toEqual([true, true, true, true]);
    scene.lab.faults.clear('api-clock');
    expect(isOff((await post(`${name}-not`)).headers.date)).toBe(false);
  });
});

describe('a restart of the API server', () => {
  it('cuts everything, refuses connections, and comes back at its address with all it had', async () => {
    const watch = await scene.watch(`${maps}?watch=true`);
    await post('kept');
    const uid = (await scene.raw(`${maps}/kept`)).body.metadata?.uid;
    const back = scene.lab.restart(20_000);
    await expect(scene.raw('/version')).rejects.toThrow();
    await until('the watch is cut', () => watch.ended());
    await back;
    expect((await scene.raw(`${maps}/kept`)).body.metadata?.uid).toBe(uid);
    expect(await scene.cluster.nodes()).toHaveLength(4);
  });
});
