import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { NodeFacts } from '../../src/core/cluster-facts.ts';
import { type KubernetesScene, kubernetesScene, settled, until } from '../support/kubernetes-lab.ts';

let scene: KubernetesScene;

beforeAll(async () => {
  scene = await kubernetesScene('127.61.0.5');
});
beforeEach(() => settled(scene));
afterAll(() => scene.close());

const keys = (node: NodeFacts) => node.taints.map(({ key, effect }) => `${key}:${effect}`);

describe('a node of the lab', () => {
  it('goes away with a restart of its host and comes back with a new boot ID', async () => {
    const before = await scene.cluster.node('w-1');
    const pods = (await scene.cluster.pods('w-1')).map(({ uid, restarts }) => ({ uid, restarts }));
    const restarted = Date.now();
    // Off until it was seen to be lost: a boot of its own takes a moment here.
    scene.hosts['w-1']?.powerOff();
    const lost = await until('the node is Unknown and tainted', async () => {
      const node = await scene.cluster.node('w-1');
      return !node.ready && node.taints.length === 2 && node;
    });
    expect(lost.conditions.find(({ type }) => type === 'Ready')?.status).toBe('Unknown');
    expect(keys(lost)).toEqual([
      'node.kubernetes.io/unreachable:NoSchedule',
      'node.kubernetes.io/unreachable:NoExecute',
    ]);
    expect(lost.bootId).toBe(before.bootId);
    expect((await scene.cluster.pods('w-1')).every(({ ready }) => !ready)).toBe(true);

    scene.hosts['w-1']?.powerOn();
    const back = await until('the node is Ready again', async () => {
      const node = await scene.cluster.node('w-1');
      return node.ready && node.taints.length === 0 && node;
    });
    expect(back.bootId).not.toBe(before.bootId);
    expect(back.bootId).toBe(scene.hosts['w-1']?.bootId);
    expect(back).toMatchObject({ uid: before.uid, systemUuid: before.systemUuid });
    expect(Date.parse(back.readySince ?? '')).toBeGreaterThan(restarted);
    await until('its pods run again, each one restarted', async () => {
      const now = await scene.cluster.pods('w-1');
      const same = now.filter(({ uid }) => pods.some(pod => pod.uid === uid));
      return same.length > 0 && same.every(pod => pod.ready && pod.restarts > 0);
    });
  });

  it('renews its lease while it runs, and stops when its host is off', async () => {
    const first = (await scene.cluster.leaseRenewed('w-2')) ?? '';
    await until('the lease advances', async () => ((await scene.cluster.leaseRenewed('w-2')) ?? '') > first);
    scene.hosts['w-2']?.powerOff();
    const last = await scene.cluster.leaseRenewed('w-2');
    await until('the node is lost', async () => !(await scene.cluster.node('w-2')).ready);
    expect(await scene.cluster.leaseRenewed('w-2')).toBe(last);
    scene.hosts['w-2']?.powerOn();
    await until('the node is back', async () => (await scene.cluster.node('w-2')).ready);
  });

  it('loses its pods to others when it stays away for longer than they tolerate', async () => {
    const before = await scene.cluster.pods('w-3');
    const moving = before.filter(pod => pod.controller?.kind === 'ReplicaSet');
    scene.hosts['w-3']?.powerOff();
    await until('they are on their way out', async () => {
      const now = await scene.cluster.pods('w-3');
      return now.filter(({ terminating }) => terminating).length >= moving.length;
    });
    const agents = (await scene.cluster.pods('w-3')).filter(pod => pod.controller?.kind === 'DaemonSet');
    expect(agents.map(({ terminating }) => terminating)).toEqual([false]);
    scene.hosts['w-3']?.powerOn();
    await until('they are gone', async () => {
      const uids = (await scene.cluster.pods('w-3')).map(({ uid }) => uid);
      return moving.every(({ uid }) => !uids.includes(uid));
    });
  });

  it('that was deleted loses its pods, lease and labels, and registers anew after a boot', async () => {
    const before = await scene.cluster.node('w-2');
    await scene.raw('/api/v1/nodes/w-2', { method: 'DELETE' });
    await until('pods and lease are gone', async () => {
      const [pods, lease] = [await scene.cluster.pods('w-2'), await scene.cluster.leaseRenewed('w-2')];
      return pods.length === 0 && lease === undefined;
    });
    scene.hosts['w-2']?.restart();
    const back = await until('the node is Ready', async () => {
      const node = await scene.cluster.node('w-2').catch(() => undefined);
      return node?.ready && node;
    });
    expect(back.uid).not.toBe(before.uid);
    expect(back.systemUuid).toBe(before.systemUuid);
  });

  it('brings a static pod back that someone deleted', async () => {
    const uid = await scene.cluster.podUid('kube-system', 'etcd-cp-1');
    await scene.raw('/api/v1/namespaces/kube-system/pods/etcd-cp-1', { method: 'DELETE' });
    await until('another mirror pod', async () => {
      const now = await scene.cluster.podUid('kube-system', 'etcd-cp-1');
      return now !== undefined && now !== uid;
    });
  });
});
