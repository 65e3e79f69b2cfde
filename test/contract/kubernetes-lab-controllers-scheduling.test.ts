import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KubernetesScene, kubernetesScene, settled, until } from '../support/kubernetes-lab.ts';

let scene: KubernetesScene;
const pods = '/api/v1/namespaces/default/pods';
const merge = { 'content-type': 'application/merge-patch+json' };

beforeAll(async () => {
  scene = await kubernetesScene('127.61.0.30');
  await settled(scene);
});
afterAll(() => scene.close());

type Condition = { type: string; status: string; reason?: string; message?: string };

const post = (path: string, body: unknown) => scene.raw(path, { method: 'POST', body });
const patch = (path: string, body: unknown) => scene.raw(path, { method: 'PATCH', headers: merge, body });
const remove = (name: string) => scene.raw(`${pods}/${name}?gracePeriodSeconds=0`, { method: 'DELETE' });

function container(requests: Record<string, string> = {}, more: object = {}) {
  return { name: 'main', image: 'registry.lab.test/main:1', resources: { requests }, ...more };
}

async function create(name: string, spec: object, labels: Record<string, string> = {}): Promise<void> {
  const { status, body } = await post(pods, {
    metadata: { name, labels },
    spec: { containers: [container()], ...spec },
  });
  expect(status, body.message).toBe(201);
}

async function nodeOf(name: string): Promise<string> {
  return until(`${name} is bound`, async () => {
    const { spec } = (await scene.raw(`${pods}/${name}`)).body;
    return spec?.nodeName as string | undefined;
  });
}

async function refusal(name: string): Promise<string> {
  return until(`${name} is refused`, async () => {
    const { status } = (await scene.raw(`${pods}/${name}`)).body;
    const scheduled = (status?.conditions as Condition[] | undefined)?.find(({ type }) => type === 'PodScheduled');
    return scheduled?.reason === 'Unschedulable' && scheduled.message;
  });
}

describe('the scheduler of the lab', () => {
  it('says in the real words why no node takes a pod', async () => {
    await patch('/api/v1/nodes/w-1', { spec: { unschedulable: true } });
    await create('greedy', { containers: [container({ cpu: '65' })] });
    expect(await refusal('greedy')).toBe(
      '0/4 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, ' +
        '1 node(s) were unschedulable, 2 Insufficient cpu. ' +
        'preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling.',
    );
    await patch('/api/v1/nodes/w-1', { spec: { unschedulable: null } });
    const event = await until('the event', async () => {
      const { items = [] } = (
        await scene.raw(`/api/v1/namespaces/default/events?fieldSelector=reason%3DFailedScheduling`)
      ).body;
      return (items as { message?: string; reportingComponent?: string }[]).find(({ message }) =>
        message?.includes('3 Insufficient cpu'),
      );
    });
    expect(event.reportingComponent).toBe('default-scheduler');
    await remove('greedy');
  });

  it('adds up requests of memory, ephemeral storage and init containers, and takes limits for requests', async () => {
    await create('too-much-memory', { containers: [container({ memory: '520Gi' })] });
    expect(await refusal('too-much-memory')).toContain('3 Insufficient memory');
    await create('too-much-storage', { containers: [container({ 'ephemeral-storage': '500G' })] });
    expect(await refusal('too-much-storage')).toContain('3 Insufficient ephemeral-storage');
    const init = { ...container({ cpu: '100' }), name: 'init' };
    await create('init', { initContainers: [init] });
    expect(await refusal('init')).toContain('3 Insufficient cpu');
    await create('limited', { containers: [container({}, { resources: { limits: { cpu: '64500m' } } })] });
    expect(await refusal('limited')).toContain('3 Insufficient cpu');
    for (const name of ['too-much-memory', 'too-much-storage', 'init', 'limited']) await remove(name);
  });

  it('fills nodes no further than their allocatable, and places a waiting pod once room is made', async () => {
    const half = { containers: [container({ cpu: '40' })] };
    for (const name of ['half-1', 'half-2', 'half-3']) await create(name, half);
    const nodes = await Promise.all(['half-1', 'half-2', 'half-3'].map(nodeOf));
    expect(new Set(nodes).size).toBe(3);
    await create('half-4', half);
    expect(await refusal('half-4')).toContain('3 No preemption victims found for incoming pod');
    await remove('half-2');
    expect(await nodeOf('half-4')).toBe(nodes[1]);
    for (const name of ['half-1', 'half-3', 'half-4']) await remove(name);
  });

  it('counts pods against what the node allows', async () => {
    const full = { status: { allocatable: { pods: '0' } } };
    for (const node of ['w-1', 'w-2', 'w-3']) await patch(`/api/v1/nodes/${node}/status`, full);
    await create('one-more', {});
    expect(await refusal('one-more')).toContain('3 Too many pods');
    const roomy = { status: { allocatable: { pods: '110' } } };
    for (const node of ['w-1', 'w-2', 'w-3']) await patch(`/api/v1/nodes/${node}/status`, roomy);
    await nodeOf('one-more');
    await remove('one-more');
  });

  it('follows node selectors, required node affinity and pod anti-affinity', async () => {
    await create('selected', { nodeSelector: { 'kubernetes.io/hostname': 'w-2' } });
    expect(await nodeOf('selected')).toBe('w-2');
    const zones = { key: 'topology.kubernetes.io/zone', operator: 'NotIn', values: ['zone-1', 'zone-3'] };
    const required = (terms: object[]) => ({
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } },
    });
    await create('drawn', { affinity: required([{ matchExpressions: [zones] }]) });
    expect(await nodeOf('drawn')).toBe('w-2');
    const nowhere = { key: 'nobody', operator: 'Exists' };
    await create('nowhere', { affinity: required([{ matchExpressions: [nowhere] }]) });
    expect(await refusal('nowhere')).toContain("3 node(s) didn't match Pod's node affinity/selector");
    const apart = { topologyKey: 'topology.kubernetes.io/zone', labelSelector: { matchLabels: { app: 'apart' } } };
    const podAntiAffinity = { requiredDuringSchedulingIgnoredDuringExecution: [apart] };
    for (const n of [1, 2, 3]) await create(`apart-${n}`, { affinity: { podAntiAffinity } }, { app: 'apart' });
    expect(new Set(await Promise.all([1, 2, 3].map(n => nodeOf(`apart-${n}`)))).size).toBe(3);
    await create('apart-4', { affinity: { podAntiAffinity } }, { app: 'apart' });
    expect(await refusal('apart-4')).toContain("3 node(s) didn't match pod anti-affinity rules");
    await create('like-them', {}, { app: 'apart' });
    expect(await refusal('like-them')).toContain("3 node(s) didn't satisfy existing pods anti-affinity rules");
    const names = ['selected', 'drawn', 'nowhere', 'apart-1', 'apart-2', 'apart-3', 'apart-4', 'like-them'];
    for (const name of names) await remove(name);
  });

  it('gives a pod the priority of its class and refuses a class that does not exist', async () => {
    await create('critical', { priorityClassName: 'system-cluster-critical' });
    expect((await scene.raw(`${pods}/critical`)).body.spec).toMatchObject({ priority: 2_000_000_000 });
    const unknown = { metadata: { name: 'x' }, spec: { containers: [container()], priorityClassName: 'nobody' } };
    expect(await post(pods, unknown)).toMatchObject({
      status: 403,
      body: { message: 'pods "x" is forbidden: no PriorityClass with name nobody was found' },
    });
    await remove('critical');
  });

  it('sends pods of lower priority away for one of higher', async () => {
    const spec = { nodeSelector: { 'kubernetes.io/hostname': 'w-3' }, containers: [container({ cpu: '50' })] };
    await create('humble', spec);
    await nodeOf('humble');
    await create('important', { ...spec, priorityClassName: 'system-cluster-critical' });
    expect(await nodeOf('important')).toBe('w-3');
    expect((await scene.raw(`${pods}/humble`)).status).toBe(404);
    const { items = [] } = (await scene.raw('/api/v1/namespaces/default/events?fieldSelector=reason%3DPreempted')).body;
    expect(items).toHaveLength(1);
    await remove('important');
  });
});
