import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KubernetesScene, kubernetesScene, settled } from '../support/kubernetes-lab.ts';
import { eventually } from '../support/stack.ts';

let scene: KubernetesScene;

beforeAll(async () => {
  scene = await kubernetesScene('127.61.0.1');
  await settled(scene);
});
afterAll(() => scene.close());

describe('the Kubernetes adapter reads of the lab', () => {
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

  it('how a container of a pod last failed, also once it runs again', async () => {
    expect((await scene.cluster.pods('w-3')).flatMap(({ failure }) => failure ?? [])).toEqual([]);
    scene.hosts['w-3']?.emit('memory-error');
    const crashed = await eventually('a pod to run again', async () =>
      (await scene.cluster.pods('w-3')).find(({ failure, ready }) => failure !== undefined && ready),
    );
    expect(crashed).toMatchObject({ restarts: 1, failure: { reason: 'Error', exitCode: 139 } });
    expect(Date.parse(crashed.failure?.at ?? '')).toBeLessThanOrEqual(Date.now());
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

  it('through a 503 that passes', async () => {
    scene.lab.faults.set('unavailable');
    const reading = scene.cluster.version();
    setTimeout(() => scene.lab.faults.clear('unavailable'), 50);
    expect(await reading).toMatch(/^v1/);
  });

  it('no effect into the effect log', () => {
    expect(scene.effects.since()).toEqual([]);
  });
});
