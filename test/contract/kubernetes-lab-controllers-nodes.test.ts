import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type KubernetesScene, kubernetesScene, settled, until } from '../support/kubernetes-lab.ts';

let scene: KubernetesScene;
const merge = { 'content-type': 'application/merge-patch+json' };

beforeAll(async () => {
  scene = await kubernetesScene('127.61.0.33');
});
beforeEach(() => settled(scene));
afterAll(() => scene.close());

type Event = {
  reason?: string;
  message?: string;
  count?: number;
  type?: string;
  involvedObject?: { kind?: string; name?: string; uid?: string; fieldPath?: string };
  source?: { component?: string };
  reportingComponent?: string;
};

const cordon = (node: string, unschedulable: boolean) =>
  scene.raw(`/api/v1/nodes/${node}`, { method: 'PATCH', headers: merge, body: { spec: { unschedulable } } });

async function eventsAbout(name: string, namespace = 'default'): Promise<Event[]> {
  const selector = encodeURIComponent(`involvedObject.name=${name}`);
  const { items = [] } = (await scene.raw(`/api/v1/namespaces/${namespace}/events?fieldSelector=${selector}`)).body;
  return items as Event[];
}

async function eventually(name: string, reason: string, namespace?: string): Promise<Event> {
  return until(`${reason} about ${name}`, async () =>
    (await eventsAbout(name, namespace)).find(event => event.reason === reason),
  );
}

describe('events', () => {
  it('tell how a pod got to run, from the components that did it', async () => {
    const [pod] = (await scene.raw('/api/v1/namespaces/shop/pods?labelSelector=app%3Dweb')).body.items ?? [];
    const name = pod?.metadata?.name ?? '';
    const events = await eventsAbout(name, 'shop');
    expect(events.map(({ reason }) => reason).toSorted()).toEqual(['Created', 'Pulled', 'Scheduled', 'Started']);
    expect(events.find(({ reason }) => reason === 'Scheduled')).toMatchObject({
      message: `Successfully assigned shop/${name} to ${pod?.spec?.nodeName}`,
      reportingComponent: 'default-scheduler',
    });
    expect(events.find(({ reason }) => reason === 'Started')).toMatchObject({
      involvedObject: { kind: 'Pod', uid: pod?.metadata?.uid, fieldPath: 'spec.containers{web}' },
      source: { component: 'kubelet', host: pod?.spec?.nodeName },
      type: 'Normal',
      count: 1,
    });
    const set = (await eventsAbout(name.slice(0, name.lastIndexOf('-')), 'shop')).map(({ message }) => message);
    expect(set).toContain(`Created pod: ${name}`);
    expect(await eventually('web', 'ScalingReplicaSet', 'shop')).toMatchObject({
      message: expect.stringMatching(/^Scaled up replica set web-\w+ from 0 to 3$/),
    });
  });

  it('count up when the same happens again', async () => {
    const about = async () => (await eventsAbout('w-1')).filter(({ reason }) => reason === 'NodeNotSchedulable');
    await cordon('w-1', true);
    const first = await until('it is told', async () => (await about())[0]);
    expect(first).toMatchObject({ count: 1, involvedObject: { kind: 'Node', uid: 'w-1' } });
    await cordon('w-1', false);
    await eventually('w-1', 'NodeSchedulable');
    await cordon('w-1', true);
    await until('it is counted', async () => (await about())[0]?.count === 2);
    expect(await about()).toHaveLength(1);
    await cordon('w-1', false);
  });

  it('tell of a node that is lost, boots and comes back', async () => {
    // Off until it was seen to be lost: a boot of its own takes a moment here.
    scene.hosts['w-2']?.powerOff();
    const lost = await eventually('w-2', 'NodeNotReady');
    expect(lost).toMatchObject({
      message: 'Node w-2 status is now: NodeNotReady',
      source: { component: 'node-controller' },
    });
    scene.hosts['w-2']?.powerOn();
    const rebooted = await eventually('w-2', 'Rebooted');
    expect(rebooted).toMatchObject({
      type: 'Warning',
      message: `Node w-2 has been rebooted, boot id: ${scene.hosts['w-2']?.bootId}`,
    });
    expect(await eventually('w-2', 'NodeReady')).toMatchObject({ source: { component: 'kubelet' } });
    expect(await eventually('w-2', 'RegisteredNode')).toMatchObject({
      message: 'Node w-2 event: Registered Node w-2 in Controller',
    });
  });
});

describe('a node whose clock is off', () => {
  it('renews its lease by that clock and is well all the same', async () => {
    scene.lab.faults.set({ kind: 'node-clock', node: 'w-3', skewMs: -3_600_000 });
    const renewed = await until('a renewal by the wrong clock', async () => {
      const time = (await scene.cluster.leaseRenewed('w-3')) ?? '';
      return Date.parse(time) < Date.now() - 3_500_000 && time;
    });
    await until('another', async () => ((await scene.cluster.leaseRenewed('w-3')) ?? '') > renewed);
    expect((await scene.cluster.node('w-3')).ready).toBe(true);
    scene.lab.faults.set({ kind: 'node-clock', node: 'w-1', skewMs: 3_600_000 });
    expect(scene.lab.faults.list()).toHaveLength(2);
    const isAt = async (node: string, skewMs: number) => {
      const renewed = Date.parse((await scene.cluster.leaseRenewed(node)) ?? '');
      return Math.abs(renewed - Date.now() - skewMs) < 60_000;
    };
    await until('the other one is ahead', () => isAt('w-1', 3_600_000));
    expect(await isAt('w-2', 0)).toBe(true);
    scene.lab.faults.clear('node-clock');
    for (const node of ['w-1', 'w-3']) await until(`${node} has the right time again`, () => isAt(node, 0));
  });
});

describe('a Node that is deleted while its kubelet runs', () => {
  it('stays away until the kubelet is started again, and is then another, without its taints and labels', async () => {
    const before = await scene.cluster.node('w-2');
    const body = { metadata: { labels: { keep: 'me' } } };
    await scene.raw('/api/v1/nodes/w-2', { method: 'PATCH', headers: merge, body });
    await scene.raw('/api/v1/nodes/w-2', { method: 'DELETE' });
    const podsThere = async () => (await scene.cluster.pods('w-2')).length;
    expect(await podsThere()).toBeGreaterThan(0);
    await until('its pods are forgotten', async () => (await podsThere()) === 0);
    expect((await scene.raw('/api/v1/nodes/w-2')).status).toBe(404);
    expect(await scene.cluster.leaseRenewed('w-2')).toBeUndefined();
    const watch = await scene.watch('/api/v1/nodes?watch=true&fieldSelector=metadata.name%3Dw-2');
    scene.lab.controlPlane.kubelet('w-2').restart();
    const back = await until('it is Ready', async () => {
      const node = await scene.cluster.node('w-2').catch(() => undefined);
      return node?.ready && node.taints.length === 0 && node;
    });
    watch.stop();
    expect(back.uid).not.toBe(before.uid);
    expect(back.bootId).toBe(before.bootId);
    expect(back.labels.keep).toBeUndefined();
    const born = watch.events.find(({ type }) => type === 'ADDED')?.object;
    expect(born?.spec?.taints).toEqual([{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }]);
  });
});

describe('a Node without a kubelet', () => {
  it('becomes Unknown, and its pods are not touched for it', async () => {
    const name = 'nobody-home';
    await scene.raw('/api/v1/nodes', { method: 'POST', body: { metadata: { name } } });
    const ready = await until('it is Unknown', async () => {
      const { status } = (await scene.raw(`/api/v1/nodes/${name}`)).body;
      const conditions = (status?.conditions ?? []) as { type: string; status: string; reason: string }[];
      return conditions.find(({ type, status }) => type === 'Ready' && status === 'Unknown');
    });
    expect(ready.reason).toBe('NodeStatusNeverUpdated');
    await scene.raw(`/api/v1/nodes/${name}`, { method: 'DELETE' });
  });
});

describe('pods on a node that stays away', () => {
  it('are marked for deletion once their toleration is over, with event and condition', async () => {
    const moving = (await scene.cluster.pods('w-1')).filter(({ controller }) => controller?.kind === 'ReplicaSet');
    expect(moving.length).toBeGreaterThan(0);
    scene.hosts['w-1']?.powerOff();
    const [pod] = moving;
    const event = await eventually(pod?.name ?? '', 'TaintManagerEviction', pod?.namespace);
    expect(event.involvedObject).not.toHaveProperty('uid');
    expect(event.message).toBe(`Marking for deletion Pod ${pod?.namespace}/${pod?.name}`);
    const { status } = (await scene.raw(`/api/v1/namespaces/${pod?.namespace}/pods/${pod?.name}`)).body;
    expect(status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'DeletionByTaintManager' }),
    );
    scene.hosts['w-1']?.powerOn();
    await until('the node is back', async () => (await scene.cluster.node('w-1')).ready);
  });
});

const run = promisify(execFile);
const kubectlThere = await run('kubectl', ['version', '--client']).then(
  () => true,
  () => false,
);

describe.skipIf(!kubectlThere)(`kubectl describe${kubectlThere ? '' : ' (skipped: no kubectl in PATH)'}`, () => {
  const kubectl = async (...args: string[]) =>
    (await run('kubectl', ['--kubeconfig', scene.adminKubeconfigFile, ...args], { timeout: 50_000 })).stdout;

  it('shows a node with its requests and the events of both sides', async () => {
    const text = await kubectl('describe', 'node', 'w-1');
    expect(text).toMatch(/cpu\s+\d+m \(\d+%\)/);
    for (const reason of ['RegisteredNode', 'Rebooted', 'NodeReady']) expect(text).toContain(reason);
  });

  it('shows a pod with its events', async () => {
    const text = await kubectl('describe', 'pod', '-n', 'shop', 'ledger-0');
    expect(text).toMatch(/ClaimName:\s+data-ledger-0/);
    for (const reason of ['Scheduled', 'SuccessfulAttachVolume', 'Started']) expect(text).toContain(reason);
  });
});
