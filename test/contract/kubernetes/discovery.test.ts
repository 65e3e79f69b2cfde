import { afterAll, describe, expect, it } from 'vitest';
import { contractCluster, given } from '../../support/contract-cluster.ts';

const on = await contractCluster('discovery');
const { api, account, cluster } = on;

const installed = ['cluster.x-k8s.io', 'machine.openshift.io', 'remediation.medik8s.io', 'metal3.io'];
const { groups: served = [] } = await account.get('/apis');
const foreign = served.some(({ name }) => installed.includes(name));

afterAll(() => on.close());

describe('discovery', () => {
  it('names a version of 1.30 or newer, which the adapter reads', async () => {
    const { gitVersion, major, minor } = (await account.get('/version')) as unknown as Record<string, string>;
    expect(Number(major)).toBe(1);
    expect(Number.parseInt(minor ?? '', 10)).toBeGreaterThanOrEqual(30);
    expect(await cluster.version()).toBe(gitVersion);
  });

  it('lists evictions under pods as policy/v1, and the status of nodes apart', async () => {
    const { resources = [] } = await account.get('/api/v1');
    const eviction = resources.find(({ name }) => name === 'pods/eviction');
    expect(eviction).toMatchObject({ kind: 'Eviction', group: 'policy', version: 'v1', namespaced: true });
    expect(resources.find(({ name }) => name === 'nodes/status')).toMatchObject({ kind: 'Node', namespaced: false });
    expect(resources.find(({ name }) => name === 'serviceaccounts/token')).toMatchObject({ kind: 'TokenRequest' });
  });

  it.each([
    ['apps/v1', ['daemonsets', 'deployments', 'replicasets', 'statefulsets']],
    ['policy/v1', ['poddisruptionbudgets', 'poddisruptionbudgets/status']],
    ['coordination.k8s.io/v1', ['leases']],
    ['storage.k8s.io/v1', ['volumeattachments', 'volumeattachments/status']],
    ['rbac.authorization.k8s.io/v1', ['clusterroles', 'clusterrolebindings', 'roles', 'rolebindings']],
    ['authorization.k8s.io/v1', ['selfsubjectaccessreviews']],
  ])('serves what the product reads in %s', async (version, wanted) => {
    const { groups = [] } = await account.get('/apis');
    expect(groups.map(({ name }) => name)).toContain(version.split('/')[0]);
    const { kind, resources = [] } = await account.get(`/apis/${version}`);
    expect(kind).toBe('APIResourceList');
    expect(resources.map(({ name }) => name)).toEqual(expect.arrayContaining(wanted));
  });

  it('tells readiness, and that of etcd, as plain text', async () => {
    for (const path of ['/readyz', '/readyz/etcd']) {
      expect(await account.send(path)).toMatchObject({ status: 200, text: 'ok' });
    }
  });

  it('answers 404 for a resource that is not served, and a Status for an object that is not there', async () => {
    expect((await api.send('/api/v1/gadgets')).status).toBe(404);
    const missing = await api.send('/api/v1/nodes/nobody-has-this-name');
    expect(missing).toMatchObject({
      status: 404,
      body: { kind: 'Status', reason: 'NotFound', details: { name: 'nobody-has-this-name', kind: 'nodes' } },
    });
  });

  given(!foreign, 'somebody installed a kind of that sort here')(
    'answers 404 for kinds that nobody installed, and the adapter finds none instead of failing',
    async () => {
      const path = '/apis/metal3.io/v1alpha1/baremetalhosts';
      expect((await account.send(path)).status).toBe(404);
      const kinds = ['MachineHealthCheck', 'NodeHealthCheck', 'BareMetalHost'];
      const found = await cluster.remediators();
      expect(found.filter(({ kind }) => kinds.includes(kind))).toEqual([]);
    },
  );

  it('answers 401 for a token that nobody has', async () => {
    const stranger = api.as('not-a-token');
    expect(await stranger.send('/api/v1/nodes')).toMatchObject({
      status: 401,
      body: { kind: 'Status', reason: 'Unauthorized' },
    });
    await stranger.close();
  });
});
