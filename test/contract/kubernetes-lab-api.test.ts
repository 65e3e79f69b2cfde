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
  it('are answered 401 for a token that nobody has, and 403 for nobody, who may see version and health', async () => {
    expect(await scene.raw('/api/v1/nodes', { token: 'wrong' })).toMatchObject({
      status: 401,
      body: { kind: 'Status', reason: 'Unauthorized' },
    });
    expect(await scene.raw('/api/v1/nodes', { token: undefined })).toMatchObject({
      status: 403,
      body: {
        message:
          'nodes is forbidden: User "system:anonymous" cannot list resource "nodes" in API group "" at the cluster scope',
      },
    });
    expect((await scene.raw('/readyz', { token: undefined })).body.message).toBe('ok');
    expect((await scene.raw('/version', { token: 'wrong' })).status).toBe(401);
  });

  it('are refused with 422 without a name, and 404 in a namespace that nobody made', async () => {
    expect(await post(maps, { metadata: {} })).toMatchObject({ status: 422, body: { reason: 'Invalid' } });
    const elsewhere = await post('/api/v1/namespaces/nowhere/configmaps', { metadata: { name: 'x' } });
    expect(elsewhere).toMatchObject({ status: 404, body: { reason: 'NotFound' } });
    expect((await scene.raw('/api/v1/gadgets')).status).toBe(404);
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

  it('take a strategic patch item by item where items have names, and as a whole where they have none', async () => {
    const path = '/apis/apps/v1/namespaces/media/deployments/encoder';
    const containers = [
      { name: 'encoder', image: 'registry.lab.test/encoder:2.0.0' },
      { name: 'helper', image: 'i' },
    ];
    const added = await patch(path, 'strategic-merge-patch', { spec: { template: { spec: { containers } } } });
    type Template = {
      spec: { containers: { name: string; image: string; resources?: object }[]; tolerations?: unknown[] };
    };
    const templateOf = ({ body }: typeof added) => body.spec?.template as Template;
    expect(templateOf(added).spec.containers.map(({ name, image }) => [name, image])).toEqual([
      ['encoder', 'registry.lab.test/encoder:2.0.0'],
      ['helper', 'i'],
    ]);
    const removal = { containers: [{ name: 'helper', $patch: 'delete' }] };
    const removed = await patch(path, 'strategic-merge-patch', { spec: { template: { spec: removal } } });
    expect(templateOf(removed).spec.containers.map(({ name }) => name)).toEqual(['encoder']);
    for (const key of ['a', 'b']) {
      await patch('/api/v1/nodes/w-3', 'strategic-merge-patch', {
        spec: { taints: [{ key, effect: 'PreferNoSchedule' }] },
      });
    }
    const taints = (await scene.raw('/api/v1/nodes/w-3')).body.spec?.taints as { key: string }[] | undefined;
    expect(taints?.map(({ key }) => key)).toEqual(['b']);
    await patch('/api/v1/nodes/w-3', 'merge-patch', { spec: { taints: null } });
    const recreate = { strategy: { type: 'Recreate', $retainKeys: ['type'] } };
    const { body } = await patch(path, 'strategic-merge-patch', { spec: recreate });
    expect(body.spec?.strategy).toEqual({ type: 'Recreate' });
  });

  it('are answered with the pod that was deleted, and for other kinds with what it was', async () => {
    const pods = '/api/v1/namespaces/default/pods';
    const spec = { containers: [{ name: 'c', image: 'i' }], nodeSelector: { nobody: 'has' } };
    const pod = await post(pods, { metadata: { name: 'unbound' }, spec });
    const gone = await scene.raw(`${pods}/unbound`, { method: 'DELETE' });
    expect(gone.body).toMatchObject({ kind: 'Pod', metadata: { uid: pod.body.metadata?.uid } });
    const map = await post(maps, { metadata: { name: 'left' } });
    expect((await scene.raw(`${maps}/left`, { method: 'DELETE' })).body).toMatchObject({
      kind: 'Status',
      status: 'Success',
      details: { name: 'left', kind: 'configmaps', uid: map.body.metadata?.uid },
    });
  });
});

describe('lists', () => {
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
  it('of a forgotten version get 410 inside the stream, and it ends', async () => {
    const { body } = await post(maps, { metadata: { name: 'old' } });
    await patch(`${maps}/old`, 'merge-patch', { data: { a: '1' } });
    scene.lab.compact();
    const watch = await scene.watch(`${maps}?watch=true&resourceVersion=${body.metadata?.resourceVersion}`);
    await until('the stream ends', () => watch.ended());
    expect(watch.events).toMatchObject([{ type: 'ERROR', object: { code: 410 } }]);
  });
});

describe('the eviction subresource', () => {
  const evict = (name: string, eviction: object = {}) =>
    post(`/api/v1/namespaces/shop/pods/${name}/eviction`, { metadata: { name }, ...eviction });
  const web = async () =>
    ((await scene.raw('/api/v1/namespaces/shop/pods?labelSelector=app%3Dweb')).body.items ?? []).find(
      ({ metadata }) => metadata?.deletionTimestamp === undefined,
    )?.metadata?.name ?? '';

  it('takes from the budget at once, before any controller looks', async () => {
    await settled(scene);
    scene.lab.controllers.pause();
    const first = await evict(await web());
    const second = await evict(await web());
    scene.lab.controllers.resume();
    expect([first.status, second.status]).toEqual([201, 429]);
    await settled(scene);
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

describe('the form of what is sent and answered', () => {
  const protobuf = 'application/vnd.kubernetes.protobuf';

  it('is JSON for clients that would rather have protobuf, and 406 for those that take nothing else', async () => {
    const accept = `${protobuf},application/json`;
    const answer = await scene.raw('/api/v1/nodes/w-1', { headers: { accept } });
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } });
    expect(await scene.raw('/api/v1/nodes/w-1', { headers: { accept: protobuf } })).toMatchObject({
      status: 406,
      body: { kind: 'Status', reason: 'NotAcceptable' },
    });
  });

  it('may be protobuf for few kinds, and is refused with 415 where it is not understood', async () => {
    const sent = (body: string, type: string) =>
      scene.raw(maps, { method: 'POST', body, headers: { 'content-type': type } });
    expect(await sent('not the binary form', protobuf)).toMatchObject({
      status: 415,
      body: { reason: 'UnsupportedMediaType' },
    });
    expect((await sent('<xml/>', 'application/xml')).status).toBe(415);
  });
});

describe('an owner', () => {
  it('that never was is no owner: what names it is collected', async () => {
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'never', uid: 'no-such-uid' }];
    await post(maps, { metadata: { name: 'claimed', ownerReferences } });
    await until('it is collected', async () => (await scene.raw(`${maps}/claimed`)).status === 404);
  });

  it('of two that remains keeps what both own', async () => {
    const owners = await Promise.all(['one', 'two'].map(name => post(maps, { metadata: { name } })));
    const ownerReferences = owners.map(({ body }) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      name: body.metadata?.name,
      uid: body.metadata?.uid,
    }));
    await post(maps, { metadata: { name: 'shared', ownerReferences } });
    await scene.raw(`${maps}/one`, { method: 'DELETE' });
    const left = await until('one reference is taken off', async () => {
      const { metadata } = (await scene.raw(`${maps}/shared`)).body as {
        metadata?: { ownerReferences?: { name: string }[] };
      };
      return metadata?.ownerReferences?.length === 1 && metadata.ownerReferences;
    });
    expect(left.map(({ name }) => name)).toEqual(['two']);
    await scene.raw(`${maps}/two`, { method: 'DELETE' });
    await until('it goes with the last', async () => (await scene.raw(`${maps}/shared`)).status === 404);
  });
});
