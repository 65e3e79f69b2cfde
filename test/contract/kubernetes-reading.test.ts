import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FleetError } from '../../src/core/errors.ts';
import { type KubernetesScene, kubernetesScene, settled } from '../support/kubernetes-lab.ts';

let scene: KubernetesScene;

beforeAll(async () => {
  scene = await kubernetesScene('127.61.0.1');
  await settled(scene);
});
afterAll(() => scene.close());

describe('the Kubernetes adapter reads', () => {
  it('the version that the API server names', async () => {
    expect(await scene.cluster.version()).toMatch(/^v1\.34\./);
  });

  it('nodes with role, identity and boot ID of their machine', async () => {
    const nodes = await scene.cluster.nodes();
    expect(nodes.map(({ name, role }) => [name, role])).toEqual([
      ['cp-1', 'control-plane'],
      ['w-1', 'worker'],
      ['w-2', 'worker'],
      ['w-3', 'worker'],
    ]);
    for (const node of nodes) {
      const host = scene.hosts[node.name];
      expect(node.systemUuid).toBe(host?.uuid.toLowerCase());
      expect(node.bootId).toBe(host?.bootId);
      expect(node.ready).toBe(true);
      expect(Date.parse(node.readySince ?? '')).toBeLessThanOrEqual(Date.now());
      expect(node.labels).toMatchObject({ 'kubernetes.io/hostname': node.name, 'kubernetes.io/os': 'linux' });
    }
    expect(nodes[0]?.taints).toEqual([{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }]);
    expect(nodes[1]?.labels['topology.kubernetes.io/zone']).toBe('zone-1');
  });

  it('one node, and says not_found for a name that nobody has', async () => {
    expect(await scene.cluster.node('w-2')).toMatchObject({ name: 'w-2', unschedulable: false, taints: [] });
    await expect(scene.cluster.node('w-9')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('the pods of one node, with owner, mirror mark and emptyDirs', async () => {
    const here = await scene.cluster.pods('cp-1');
    expect(here.every(pod => pod.node === 'cp-1')).toBe(true);
    expect(here.find(pod => pod.name === 'etcd-cp-1')).toMatchObject({ mirror: true, controller: { kind: 'Node' } });
    expect(here.filter(pod => pod.controller?.kind === 'DaemonSet')).toHaveLength(1);
    const all = await scene.cluster.pods();
    expect(all.length).toBeGreaterThan(here.length);
    const encoders = all.filter(pod => pod.name.startsWith('encoder-'));
    expect(encoders).toHaveLength(2);
    expect(encoders[0]).toMatchObject({ emptyDirs: ['scratch'], controller: { kind: 'ReplicaSet' }, mirror: false });
    expect(all.find(pod => pod.name === 'orders-0')).toMatchObject({
      controller: { kind: 'StatefulSet', name: 'orders' },
    });
  });

  it('the uid of a pod, and undefined for one that is gone', async () => {
    const [pod] = await scene.cluster.pods('cp-1');
    expect(await scene.cluster.podUid(pod?.namespace ?? '', pod?.name ?? '')).toBe(pod?.uid);
    expect(await scene.cluster.podUid('shop', 'nobody')).toBeUndefined();
  });

  it('disruption budgets with what they allow', async () => {
    const budgets = await scene.cluster.pdbs();
    expect(budgets.find(({ name }) => name === 'web')).toEqual({
      namespace: 'shop',
      name: 'web',
      selector: { matchLabels: { app: 'web' } },
      disruptionsAllowed: 1,
      currentHealthy: 3,
      desiredHealthy: 2,
      expectedPods: 3,
    });
  });

  it('a list that is longer than a page, whole and without repeats', async () => {
    for (let i = 0; i < 1001; i++) {
      const metadata = { name: `many-${i}`, namespace: 'media' };
      scene.lab.store.create('poddisruptionbudgets', { metadata, spec: { selector: {}, minAvailable: 0 }, status: {} });
    }
    const names = (await scene.cluster.pdbs()).map(({ name }) => name).filter(name => name.startsWith('many-'));
    expect(new Set(names).size).toBe(1001);
    expect(names).toHaveLength(1001);
    for (let i = 0; i < 1001; i++)
      scene.lab.store.remove('poddisruptionbudgets', { namespace: 'media', name: `many-${i}` });
  });

  it('leaves out a budget without a selector, because it protects nothing', async () => {
    const metadata = { name: 'selects-nothing', namespace: 'shop' };
    scene.lab.store.create('poddisruptionbudgets', { metadata, spec: { minAvailable: 1 }, status: {} });
    const names = (await scene.cluster.pdbs()).map(({ name }) => name);
    expect(names).toContain('web');
    expect(names).not.toContain('selects-nothing');
  });

  it('DaemonSets as namespace/name', async () => {
    expect(await scene.cluster.daemonSets()).toEqual(['kube-system/node-agent']);
  });

  it('the renew time of a lease, and undefined where there is none', async () => {
    const renewed = await scene.cluster.leaseRenewed('w-1');
    expect(Math.abs(Date.parse(renewed ?? '') - Date.now())).toBeLessThan(10_000);
    expect(await scene.cluster.leaseRenewed('w-9')).toBeUndefined();
  });

  it('through a 503 that passes', async () => {
    scene.lab.faults.set('unavailable');
    const reading = scene.cluster.version();
    setTimeout(() => scene.lab.faults.clear('unavailable'), 50);
    expect(await reading).toMatch(/^v1/);
  });

  it('no effect into the effect log', () => {
    expect(scene.effects.since()).toEqual([]);
  });

  it('FleetErrors only', async () => {
    const error = await scene.cluster.node('w-9').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(FleetError);
  });
});
