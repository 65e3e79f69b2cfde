import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KubernetesScene, kubernetesScene, settled, until } from '../support/kubernetes-lab.ts';

let scene: KubernetesScene;
const maps = '/api/v1/namespaces/default/configmaps';

beforeAll(async () => {
  scene = await kubernetesScene('127.61.0.6');
  await settled(scene);
});
afterAll(() => scene.close());

const post = (path: string, body: unknown) => scene.raw(path, { method: 'POST', body });
const patch = (path: string, kind: string, body: unknown) =>
  scene.raw(path, { method: 'PATCH', body, headers: { 'content-type': `application/${kind}+json` } });
const names = (items: { metadata?: { name?: string } }[] = []) => items.map(item => item.metadata?.name);

describe('objects', () => {
  it('are answered 401 without the token, except for version and health', async () => {
    expect(await scene.raw('/api/v1/nodes', { token: undefined })).toMatchObject({
      status: 401,
      body: { kind: 'Status' },
    });
    expect((await scene.raw('/readyz', { token: undefined })).body.message).toBe('ok');
    expect((await scene.raw('/version', { token: 'wrong' })).status).toBe(401);
  });

  it('are created once, with uid and resource version', async () => {
    const created = await post(maps, { metadata: { name: 'once' }, data: { a: '1' } });
    expect(created).toMatchObject({ status: 201, body: { kind: 'ConfigMap', metadata: { namespace: 'default' } } });
    expect(created.body.metadata?.uid).toBeTruthy();
    expect(await post(maps, { metadata: { name: 'once' } })).toMatchObject({
      status: 409,
      body: { kind: 'Status', reason: 'AlreadyExists' },
    });
    const generated = await post(maps, { metadata: { generateName: 'some-' } });
    expect(generated.body.metadata?.name).toMatch(/^some-.{5}$/);
  });

  it('are refused with 422 without a name, and 404 in a namespace that nobody made', async () => {
    expect(await post(maps, { metadata: {} })).toMatchObject({ status: 422, body: { reason: 'Invalid' } });
    const elsewhere = await post('/api/v1/namespaces/nowhere/configmaps', { metadata: { name: 'x' } });
    expect(elsewhere).toMatchObject({ status: 404, body: { reason: 'NotFound' } });
    expect((await scene.raw('/api/v1/gadgets')).status).toBe(404);
  });

  it('are replaced only over the version that was read', async () => {
    const { body } = await post(maps, { metadata: { name: 'versioned' }, data: { a: '1' } });
    const path = `${maps}/versioned`;
    expect((await scene.raw(path, { method: 'PUT', body: { ...body, data: { a: '2' } } })).status).toBe(200);
    const stale = await scene.raw(path, { method: 'PUT', body: { ...body, data: { a: '3' } } });
    expect(stale).toMatchObject({ status: 409, body: { reason: 'Conflict' } });
    expect((await scene.raw(path)).body.data).toEqual({ a: '2' });
  });

  it('keep the status apart from the rest, and count generations of the spec alone', async () => {
    const path = '/apis/policy/v1/namespaces/shop/poddisruptionbudgets/orders';
    const before = (await scene.raw(path)).body.metadata?.generation;
    await patch(path, 'merge-patch', { status: { disruptionsAllowed: 99 } });
    expect((await scene.raw(path)).body).toMatchObject({
      status: { disruptionsAllowed: 1 },
      metadata: { generation: before },
    });
    await patch(path, 'merge-patch', { spec: { maxUnavailable: 2 } });
    expect((await scene.raw(path)).body.metadata?.generation).toBe((before ?? 0) + 1);
    await patch(path, 'merge-patch', { spec: { maxUnavailable: 1 } });
    const node = await patch('/api/v1/nodes/w-1/status', 'strategic-merge-patch', {
      status: { conditions: [{ type: 'Example', status: 'True' }] },
      spec: { unschedulable: true },
    });
    expect(node.body.spec?.unschedulable).toBeUndefined();
    const conditions = node.body.status?.conditions as { type: string }[] | undefined;
    const types = conditions?.map(({ type }) => type);
    expect(types).toContain('Example');
    expect(types).toContain('Ready');
  });

  it('take the three patch forms', async () => {
    await post(maps, { metadata: { name: 'patched', labels: { keep: 'me' } }, data: { a: '1', b: '2' } });
    const path = `${maps}/patched`;
    expect((await patch(path, 'merge-patch', { data: { a: null, c: '3' } })).body.data).toEqual({ b: '2', c: '3' });
    const tested = [
      { op: 'test', path: '/data/b', value: '2' },
      { op: 'replace', path: '/data/b', value: '4' },
    ];
    expect((await patch(path, 'json-patch', tested)).body.data).toEqual({ b: '4', c: '3' });
    expect((await patch(path, 'json-patch', tested)).status).toBe(422);
    const strategic = await patch(path, 'strategic-merge-patch', { metadata: { finalizers: ['lab.test/hold'] } });
    expect(strategic.body.metadata?.labels).toEqual({ keep: 'me' });
    expect((await patch(path, 'apply-patch', {})).status).toBe(415);
  });

  it('with a finalizer stay until it is taken off', async () => {
    const path = `${maps}/patched`;
    await scene.raw(path, { method: 'DELETE' });
    expect((await scene.raw(path)).body.metadata?.deletionTimestamp).toBeTruthy();
    await patch(path, 'merge-patch', { metadata: { finalizers: null } });
    expect((await scene.raw(path)).status).toBe(404);
  });

  it('are deleted only with the uid that the caller insists on', async () => {
    const { body } = await post(maps, { metadata: { name: 'insisted' } });
    const path = `${maps}/insisted`;
    const wrong = await scene.raw(path, { method: 'DELETE', body: { preconditions: { uid: 'another' } } });
    expect(wrong).toMatchObject({ status: 409, body: { reason: 'Conflict' } });
    const right = { preconditions: { uid: body.metadata?.uid } };
    expect((await scene.raw(path, { method: 'DELETE', body: right })).status).toBe(200);
  });

  it('change nothing on a dry run', async () => {
    expect((await post(`${maps}?dryRun=All`, { metadata: { name: 'dry' } })).status).toBe(201);
    expect((await scene.raw(`${maps}/dry`)).status).toBe(404);
  });
});

describe('lists', () => {
  it('follow label and field selectors, and refuse a field that is not indexed', async () => {
    const web = await scene.raw('/api/v1/pods?labelSelector=app%20in%20(web,single),pod-template-hash');
    expect(web.body.items).toHaveLength(4);
    const here = await scene.raw('/api/v1/pods?fieldSelector=spec.nodeName%3Dcp-1,metadata.namespace!%3Dshop');
    expect(names(here.body.items)).toContain('etcd-cp-1');
    expect(
      (await scene.raw('/api/v1/nodes?labelSelector=!node-role.kubernetes.io/control-plane')).body.items,
    ).toHaveLength(3);
    expect((await scene.raw('/api/v1/pods?fieldSelector=spec.hostname%3Dx')).status).toBe(400);
  });

  it('come in pages of one moment, and expire', async () => {
    const whole = names((await scene.raw('/api/v1/pods')).body.items);
    const first = await scene.raw('/api/v1/pods?limit=5');
    const token = first.body.metadata?.continue ?? '';
    await post('/api/v1/namespaces/default/pods', {
      metadata: { name: 'aaa-later' },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    });
    const rest = await scene.raw(`/api/v1/pods?limit=500&continue=${token}`);
    expect([...names(first.body.items), ...names(rest.body.items)]).toEqual(whole);
    expect((await scene.raw('/api/v1/pods?limit=5&continue=nonsense')).status).toBe(400);
    scene.lab.compact();
    expect((await scene.raw(`/api/v1/pods?continue=${token}`)).status).toBe(410);
    expect((await scene.raw('/api/v1/pods?resourceVersion=999999999')).status).toBe(504);
  });

  it('of nodes are tables for those who prefer them', async () => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
    const { body } = await scene.raw('/api/v1/nodes', { headers: { accept } });
    expect(body.columnDefinitions?.slice(0, 5).map(({ name }) => name)).toEqual([
      'Name',
      'Status',
      'Roles',
      'Age',
      'Version',
    ]);
    expect(body.rows?.[0]?.cells.slice(0, 3)).toEqual(['cp-1', 'Ready', 'control-plane']);
  });
});

describe('watches', () => {
  it('begin after the version they name, and see an object leave their selector as DELETED', async () => {
    const { body } = await post(maps, { metadata: { name: 'watched', labels: { on: 'yes' } } });
    const since = body.metadata?.resourceVersion;
    const watch = await scene.watch(`${maps}?watch=true&labelSelector=on%3Dyes&resourceVersion=${since}`);
    await patch(`${maps}/watched`, 'merge-patch', { data: { a: '1' } });
    await patch(`${maps}/watched`, 'merge-patch', { metadata: { labels: { on: 'no' } } });
    await patch(`${maps}/watched`, 'merge-patch', { data: { a: '2' } });
    await patch(`${maps}/watched`, 'merge-patch', { metadata: { labels: { on: 'yes' } } });
    await until('three events', () => watch.events.length >= 3);
    expect(watch.events.map(({ type }) => type)).toEqual(['MODIFIED', 'DELETED', 'ADDED']);
    const versions = watch.events.map(({ object }) => Number(object.metadata?.resourceVersion));
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    watch.stop();
  });

  it('of a forgotten version get 410 inside the stream, and it ends', async () => {
    const { body } = await post(maps, { metadata: { name: 'old' } });
    await patch(`${maps}/old`, 'merge-patch', { data: { a: '1' } });
    scene.lab.compact();
    const watch = await scene.watch(`${maps}?watch=true&resourceVersion=${body.metadata?.resourceVersion}`);
    await until('the stream ends', () => watch.ended());
    expect(watch.events).toMatchObject([{ type: 'ERROR', object: { code: 410 } }]);
  });

  it('get bookmarks only when they ask, and end when they said', async () => {
    const plain = await scene.watch('/api/v1/namespaces?watch=true&timeoutSeconds=1');
    const marked = await scene.watch('/api/v1/namespaces?watch=true&timeoutSeconds=1&allowWatchBookmarks=true');
    await until('both end', () => plain.ended() && marked.ended());
    expect(new Set(plain.events.map(({ type }) => type))).toEqual(new Set(['ADDED']));
    expect(marked.events.at(-1)?.type).toBe('BOOKMARK');
  });
});

describe('the eviction subresource', () => {
  const evict = (name: string, eviction: object = {}) =>
    post(`/api/v1/namespaces/shop/pods/${name}/eviction`, { metadata: { name }, ...eviction });
  const web = async () =>
    ((await scene.raw('/api/v1/namespaces/shop/pods?labelSelector=app%3Dweb')).body.items ?? []).find(
      ({ metadata }) => metadata?.deletionTimestamp === undefined,
    )?.metadata?.name ?? '';

  it('is listed as policy/v1', async () => {
    const { resources } = (await scene.raw('/api/v1')).body;
    expect(resources).toContainEqual(
      expect.objectContaining({ name: 'pods/eviction', group: 'policy', kind: 'Eviction' }),
    );
    expect((await scene.raw('/apis')).body.groups).toContainEqual(expect.objectContaining({ name: 'policy' }));
  });

  it('refuses a name that is not the one in the path', async () => {
    expect((await evict(await web(), { metadata: { name: 'another' } })).status).toBe(400);
  });

  it('takes nothing from the budget on a dry run', async () => {
    const name = await web();
    expect((await evict(name, { deleteOptions: { dryRun: ['All'] } })).status).toBe(201);
    expect((await scene.raw(`/api/v1/namespaces/shop/pods/${name}`)).body.metadata?.deletionTimestamp).toBeUndefined();
    expect((await scene.cluster.pdbs()).find(budget => budget.name === 'web')?.disruptionsAllowed).toBe(1);
  });

  it('answers 409 for another uid and 404 for nobody', async () => {
    const other = { deleteOptions: { preconditions: { uid: 'another' } } };
    expect((await evict(await web(), other)).status).toBe(409);
    expect((await evict('nobody')).status).toBe(404);
  });

  it('takes from the budget at once, before any controller looks', async () => {
    await settled(scene);
    scene.lab.controllers.pause();
    const first = await evict(await web());
    const second = await evict(await web());
    scene.lab.controllers.resume();
    expect([first.status, second.status]).toEqual([201, 429]);
    await settled(scene);
  });

  it('answers 429 without Retry-After when the budget is used up, with its cause', async () => {
    const budget = '/apis/policy/v1/namespaces/shop/poddisruptionbudgets/web';
    await patch(budget, 'merge-patch', { spec: { minAvailable: 3 } });
    await until('nothing is allowed', async () => (await scene.raw(budget)).body.status?.disruptionsAllowed === 0);
    const answer = await evict(await web());
    expect(answer).toMatchObject({ status: 429, body: { details: { causes: [{ reason: 'DisruptionBudget' }] } } });
    expect(answer.headers['retry-after']).toBeUndefined();
  });

  it('answers 429 with Retry-After while the budget is newer than its status', async () => {
    const budget = '/apis/policy/v1/namespaces/shop/poddisruptionbudgets/web';
    scene.lab.controllers.pause();
    await patch(budget, 'merge-patch', { spec: { minAvailable: 1 } });
    const answer = await evict(await web());
    expect(answer.status).toBe(429);
    expect(answer.headers['retry-after']).toBe('10');
    scene.lab.controllers.resume();
    await until('two are allowed', async () => (await scene.raw(budget)).body.status?.disruptionsAllowed === 2);
  });

  it('lets pods pass that no budget can protect: pending, and unready under a healthy budget', async () => {
    await patch('/apis/policy/v1/namespaces/shop/poddisruptionbudgets/web', 'merge-patch', {
      spec: { minAvailable: 2 },
    });
    const pods = '/api/v1/namespaces/shop/pods';
    const labels = { app: 'web' };
    const spec = { containers: [{ name: 'c', image: 'i' }], nodeSelector: { nobody: 'has' } };
    await post(pods, { metadata: { name: 'pending', labels }, spec });
    expect((await evict('pending')).status).toBe(201);
    expect((await scene.raw(`${pods}/pending`)).status).toBe(404);
    const name = await web();
    await patch(`${pods}/${name}/status`, 'strategic-merge-patch', {
      status: { conditions: [{ type: 'Ready', status: 'False' }] },
    });
    await until('the budget saw it', async () =>
      (await scene.cluster.pdbs()).some(b => b.name === 'web' && b.currentHealthy === 2),
    );
    expect((await evict(name)).status).toBe(201);
  });
});

describe('the effect log', () => {
  it('holds every write of an outside caller with its status, and never a secret', async () => {
    const seen = scene.effects.since().length;
    const secret = { metadata: { name: 's' }, stringData: { password: 'hush' }, data: { x: 'aHVzaA==' } };
    await post('/api/v1/namespaces/default/secrets', secret);
    await scene.raw('/api/v1/namespaces/default/secrets/s', { method: 'DELETE' });
    const effects = scene.effects.since(seen);
    expect(effects.map(({ method, status, caller }) => [method, status, caller])).toEqual([
      ['POST', 201, 'raw-client'],
      ['DELETE', 200, 'raw-client'],
    ]);
    expect(JSON.stringify(effects)).not.toMatch(/hush|aHVzaA/);
  });
});
