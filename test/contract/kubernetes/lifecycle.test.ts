import { afterAll, describe, expect, it } from 'vitest';
import { conditionOf, contractCluster, until } from '../../support/contract-cluster.ts';
import { handPod } from '../../support/contract-workloads.ts';

const on = await contractCluster('lifecycle');
const { api, path, cluster } = on;
const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
/** Well under what a kubelet may take, in the lab's compressed time too. */
const beatMs = on.lab === undefined ? 2000 : 50;

const beats = new Set<NodeJS.Timeout>();

afterAll(async () => {
  for (const beat of beats) clearInterval(beat);
  await on.close();
});

const now = () => new Date().toISOString().replace('Z', '000Z');

/** Renews the lease of a Node of our own, as its kubelet would, until it is stopped. */
async function beating(node: string): Promise<() => void> {
  const spec = { holderIdentity: node, leaseDurationSeconds: 40, renewTime: now() };
  on.willRemove(`${leases}/${node}`);
  await api.create(leases, { metadata: { name: node }, spec });
  const renew = () => api.patch(`${leases}/${node}`, 'merge-patch', { spec: { renewTime: now() } });
  const beat = setInterval(() => void renew(), beatMs);
  beats.add(beat);
  return () => clearInterval(beat);
}

async function report(node: string, status: 'True' | 'False'): Promise<void> {
  const at = new Date().toISOString();
  const condition = { type: 'Ready', status, reason: 'ByHand', lastHeartbeatTime: at, lastTransitionTime: at };
  const change = { status: { conditions: [condition] } };
  await api.must(api.patch(`/api/v1/nodes/${node}/status`, 'strategic-merge-patch', change));
}

async function lifecycleTaints(node: string): Promise<string[]> {
  const { taints } = await cluster.node(node);
  const found = taints.filter(({ key }) => key.startsWith('node.kubernetes.io/'));
  return found.map(({ key, effect }) => `${key.slice('node.kubernetes.io/'.length)}:${effect}`).toSorted();
}

const awaitTaints = (node: string, wanted: string[]) =>
  until(
    `its taints are ${wanted.join(', ') || 'none'}`,
    async () => JSON.stringify(await lifecycleTaints(node)) === JSON.stringify(wanted),
    120,
  );

describe('a node', () => {
  it('is tainted while it is not Ready, and while nobody hears of it', async () => {
    const node = await on.ownNode('beating');
    const stop = await beating(node);
    await report(node, 'True');
    await awaitTaints(node, []);
    const lease = await cluster.leaseRenewed(node);
    expect(Date.parse(lease ?? '')).toBeGreaterThan(Date.now() - 60_000);
    expect(await cluster.node(node)).toMatchObject({ ready: true });

    await report(node, 'False');
    expect(await cluster.node(node)).toMatchObject({ ready: false });
    await awaitTaints(node, ['not-ready:NoExecute', 'not-ready:NoSchedule']);
    await report(node, 'True');
    await awaitTaints(node, []);
    await handPod(on, { name: 'rider', app: 'rider', node });

    stop();
    await awaitTaints(node, ['unreachable:NoExecute', 'unreachable:NoSchedule']);
    const lost = await cluster.node(node);
    expect(lost.ready).toBe(false);
    expect(lost.conditions.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
    });
    await until('its pods are told unready', async () => {
      const pod = await api.get(path('pods', 'rider'));
      return conditionOf(pod, 'Ready') === 'False';
    });
    expect(await cluster.podUid(on.namespace, 'rider')).toBeTruthy();
  });
});
