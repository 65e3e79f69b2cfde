import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contractCluster } from '../../support/contract-cluster.ts';
import { handPod } from '../../support/contract-workloads.ts';
import { testGrant } from '../../support/grant.ts';

const on = await contractCluster('access');
const { api, account, path, cluster } = on;
let node = '';

beforeAll(async () => {
  node = await on.ownNode('guarded');
  await handPod(on, { name: 'guarded', app: 'guarded', node });
  await api.create(path('secrets'), { metadata: { name: 'guarded' }, stringData: { word: 'hush' } });
});
afterAll(() => on.close());

type Question = { verb: string; group?: string; resource: string; subresource?: string; namespace?: string };

/** What the cluster itself says of our account, which asks. */
async function may(resourceAttributes: Question): Promise<boolean> {
  const spec = { resourceAttributes };
  const review = await account.create('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { spec });
  expect(review.kind).toBe('SelfSubjectAccessReview');
  return review.status?.allowed === true;
}

describe('the account of the product', () => {
  it('is a ServiceAccount and no administrator', async () => {
    const review = await account.post('/apis/authentication.k8s.io/v1/selfsubjectreviews', {});
    const user = review.body.status?.userInfo as { username: string; groups: string[] };
    expect(user.username).toBe('system:serviceaccount:groundskeeper:groundskeeper');
    expect(user.groups).toEqual(expect.arrayContaining(['system:serviceaccounts', 'system:authenticated']));
    expect(user.groups).not.toContain('system:masters');
  });

  it.each<Question>([
    { verb: 'list', resource: 'nodes' },
    { verb: 'watch', resource: 'pods' },
    { verb: 'patch', resource: 'nodes' },
    { verb: 'patch', resource: 'nodes', subresource: 'status' },
    { verb: 'create', resource: 'pods', subresource: 'eviction' },
    { verb: 'list', group: 'policy', resource: 'poddisruptionbudgets' },
    { verb: 'list', group: 'apps', resource: 'daemonsets' },
    { verb: 'list', group: 'storage.k8s.io', resource: 'volumeattachments' },
    { verb: 'list', resource: 'persistentvolumes' },
    { verb: 'list', resource: 'events' },
    { verb: 'get', group: 'coordination.k8s.io', resource: 'leases', namespace: 'kube-node-lease' },
    { verb: 'create', resource: 'events', namespace: 'default' },
  ])('may $verb $resource $subresource', async question => {
    expect(await may(question)).toBe(true);
  });

  it.each<Question>([
    { verb: 'get', resource: 'secrets' },
    { verb: 'list', resource: 'secrets' },
    { verb: 'create', resource: 'pods', subresource: 'exec' },
    { verb: 'get', resource: 'pods', subresource: 'log' },
    { verb: 'delete', resource: 'pods' },
    { verb: 'create', resource: 'pods' },
    { verb: 'patch', resource: 'pods' },
    { verb: 'delete', resource: 'nodes' },
    { verb: 'update', resource: 'nodes' },
    { verb: 'create', resource: 'nodes' },
    { verb: 'patch', group: 'apps', resource: 'deployments' },
    { verb: 'delete', group: 'policy', resource: 'poddisruptionbudgets' },
    { verb: 'patch', group: 'policy', resource: 'poddisruptionbudgets' },
    { verb: 'create', resource: 'serviceaccounts', subresource: 'token' },
    { verb: 'impersonate', resource: 'users' },
    { verb: 'escalate', group: 'rbac.authorization.k8s.io', resource: 'clusterroles' },
    { verb: 'create', resource: 'events', namespace: 'kube-system' },
    { verb: 'watch', resource: 'events' },
    { verb: 'list', resource: 'namespaces' },
    { verb: 'get', group: 'coordination.k8s.io', resource: 'leases', namespace: 'kube-system' },
    { verb: '*', group: '*', resource: '*' },
  ])('may not $verb $resource $subresource', async question => {
    expect(await may(question)).toBe(false);
  });

  it('is answered 403 with a Status when it tries', async () => {
    const tries = [
      account.send('/api/v1/secrets'),
      account.send(path('secrets', 'guarded')),
      account.post(`${path('pods', 'guarded')}/exec?command=true`, undefined),
      account.remove(path('pods', 'guarded')),
      account.remove(path('pods')),
      account.remove(`/api/v1/nodes/${node}`),
      account.send(`/api/v1/nodes/${node}`, { method: 'PUT', body: await api.get(`/api/v1/nodes/${node}`) }),
      account.patch(path('pods', 'guarded'), 'merge-patch', { metadata: { labels: { app: 'other' } } }),
      account.patch(`${path('pods', 'guarded')}/status`, 'merge-patch', { status: { phase: 'Failed' } }),
      account.post(path('configmaps'), { metadata: { name: 'mine' } }),
    ];
    for (const answer of await Promise.all(tries)) {
      expect(answer).toMatchObject({ status: 403, body: { kind: 'Status', reason: 'Forbidden', code: 403 } });
      expect(answer.body.message).toContain('User "system:serviceaccount:groundskeeper:groundskeeper" cannot');
      expect(answer.text).not.toContain('hush');
    }
    const after = await api.get(path('pods', 'guarded'));
    expect(after.metadata.deletionTimestamp).toBeUndefined();
    expect(after.metadata.labels).toEqual({ app: 'guarded' });
    expect((await api.send(`/api/v1/nodes/${node}`)).status).toBe(200);
  });
});

describe('an account without a role', () => {
  it('reads the version, and nothing else', async () => {
    const stranger = api.as(await tokenOfStranger());
    expect((await stranger.send('/version')).status).toBe(200);
    expect(await stranger.send('/api/v1/nodes')).toMatchObject({ status: 403, body: { reason: 'Forbidden' } });
    await stranger.close();
  });

  it('gets cluster_refused from the adapter, for reads and for writes', async () => {
    const refused = await on.adapterAs(await tokenOfStranger());
    const { name, uid, resourceVersion } = await cluster.node(node);
    const pod = (await api.get(path('pods', 'guarded'))).metadata;
    const event = { name: 'x', node: { name, uid }, type: 'Normal' as const, reason: 'X', message: 'x' };
    const condition = { type: 'X', status: 'True' as const, reason: 'X', message: 'x' };
    const patch = { name, resourceVersion, unschedulable: true, annotations: {} };
    const attempts: (() => Promise<unknown>)[] = [
      () => refused.nodes(),
      () => refused.pods(name),
      () => refused.pdbs(),
      () => refused.leaseRenewed(name),
      () => refused.patchNode(testGrant, patch),
      () => refused.setNodeCondition(testGrant, name, condition),
      () => refused.createNodeEvent(testGrant, event),
      () => refused.evict(testGrant, pod),
    ];
    for (const attempt of attempts) {
      await expect(attempt()).rejects.toMatchObject({ code: 'cluster_refused', retry: 'never' });
    }
    expect(await cluster.node(name)).toMatchObject({ unschedulable: false });
    expect((await api.get(path('pods', 'guarded'))).metadata.deletionTimestamp).toBeUndefined();
  });
});

/** A ServiceAccount that nobody bound a role to. */
async function tokenOfStranger(): Promise<string> {
  const { metadata } = await api.create(path('serviceaccounts'), { metadata: { generateName: 'stranger-' } });
  const { status } = await api.create(`${path('serviceaccounts', metadata.name)}/token`, { spec: {} });
  return String(status?.token);
}
