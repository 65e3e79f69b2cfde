import { afterAll, describe, expect, it } from 'vitest';
import type { PodFacts } from '../../../src/core/cluster-facts.ts';
import type { Kube } from '../../support/contract-api.ts';
import { contractCluster, given, until } from '../../support/contract-cluster.ts';
import { handPod, pod, podSpec, ready, workload } from '../../support/contract-workloads.ts';

const on = await contractCluster('pods');
const { api, path, cluster } = on;

afterAll(() => on.close());

async function facts({ metadata }: Kube): Promise<PodFacts> {
  const found = (await cluster.pods()).find(({ uid }) => uid === metadata.uid);
  if (found === undefined) throw new Error(`the adapter does not know pod ${metadata.name}`);
  return found;
}
const workers = given(on.nodes.length > 0, 'no usable node');

describe('the adapter reads of a pod', () => {
  workers('of a Deployment: its ReplicaSet, its node and that it is Ready', async () => {
    await api.create(path('apps/v1 deployments'), workload(on, 'web', { replicas: 1 }));
    const [made] = (await ready(on, 'web', 1)) as [Kube];
    const read = await facts(made);
    expect(read).toMatchObject({
      namespace: on.namespace,
      name: made.metadata.name,
      node: made.spec.nodeName,
      phase: 'Running',
      ready: true,
      terminating: false,
      mirror: false,
      controller: { kind: 'ReplicaSet', name: expect.stringMatching(/^web-[a-z0-9]+$/) },
      emptyDirs: [],
      hostPaths: [],
      claims: [],
      graceSeconds: 1,
    });
    expect(read.labels).toMatchObject({ app: 'web', 'pod-template-hash': expect.any(String) });
    expect(await cluster.podUid(on.namespace, made.metadata.name)).toBe(made.metadata.uid);
    expect((await cluster.pods(read.node)).map(({ uid }) => uid)).toContain(made.metadata.uid);
  });

  it('that nobody controls: what it asks for, what it mounts and what it demands of its node', async () => {
    const node = await on.ownNode('host');
    const spec = {
      ...podSpec(on, { node, graceSeconds: 17 }),
      containers: [{ name: 'main', image: on.image, resources: { requests: { cpu: '250m', memory: '1.5Gi' } } }],
      volumes: [{ name: 'scratch', emptyDir: {} }],
      nodeSelector: { 'contract.groundskeeper.io/disk': 'fast' },
    };
    const made = await api.create(path('pods'), { metadata: { name: 'bare' }, spec });
    const read = await facts(made);
    expect(read).toMatchObject({
      node,
      graceSeconds: 17,
      emptyDirs: ['scratch'],
      requests: { cpu: 250, memory: 1.5 * 2 ** 30, pods: 1 },
      placement: { nodeSelector: { 'contract.groundskeeper.io/disk': 'fast' } },
    });
    expect(read).not.toHaveProperty('controller');
  });

  it('the defaults that the API server gives: grace, tolerations for a lost node, priority', async () => {
    const spec = { containers: [{ name: 'main', image: on.image }], automountServiceAccountToken: false };
    const made = await api.create(path('pods'), {
      metadata: { name: 'defaults' },
      spec: { ...spec, nodeSelector: { 'contract.groundskeeper.io/nobody': 'has' } },
    });
    const read = await facts(made);
    expect(read).toMatchObject({ graceSeconds: 30, priority: 0 });
    for (const key of ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']) {
      expect(made.spec.tolerations).toContainEqual({
        key,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 300,
      });
    }
  });

  it('that no node takes: why, in the words of the scheduler', async () => {
    const made = await api.create(path('pods'), pod(on, 'homeless', { onlyOn: `${on.namespace}-nowhere` }));
    const told = await until('the scheduler has said why', async () => (await facts(made)).unschedulable);
    expect(told.message).toMatch(/nodes are available/);
    expect(Date.parse(told.since ?? '')).toBeGreaterThan(Date.now() - 3600_000);
  });

  it('whose class gives it priority: class and number', async () => {
    const node = await on.ownNode('first-class');
    const spec = { ...podSpec(on, { node }), priorityClassName: 'system-node-critical' };
    const answer = await api.post(path('pods'), { metadata: { name: 'critical' }, spec });
    expect(answer.status).toBe(201);
    expect(await facts(answer.body)).toMatchObject({ priority: 2_000_001_000, priorityClass: 'system-node-critical' });
  });

  it('that is gone: nothing, also under a name that another one had', async () => {
    const node = await on.ownNode('brief');
    const made = await handPod(on, { name: 'brief', app: 'brief', node });
    await api.must(api.remove(path('pods', 'brief'), { gracePeriodSeconds: 0 }));
    await until('the pod is gone', async () => (await cluster.podUid(on.namespace, 'brief')) === undefined);
    const next = await handPod(on, { name: 'brief', app: 'brief', node });
    expect(next.metadata.uid).not.toBe(made.metadata.uid);
    expect(await cluster.podUid(on.namespace, 'brief')).toBe(next.metadata.uid);
  });
});
