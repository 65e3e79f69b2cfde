import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openClusters } from '../../src/adapters/kubernetes/open-clusters.ts';
import type { Cluster } from '../../src/core/cluster.ts';
import type { RemediatorFacts } from '../../src/core/cluster-facts.ts';
import { createObject, declareKind, mergePatch } from '../support/custom-kinds.ts';
import { type KubernetesScene, kubernetesScene, settled, until } from '../support/kubernetes-lab.ts';

let scene: KubernetesScene;
/** The adapter with every permission, so that one that is missing shows only where it is meant to. */
let cluster: Cluster;
const opened: { close(): Promise<void> }[] = [];

async function adapterWith(name: string, kubeconfig: string): Promise<Cluster> {
  const kubeconfigFile = join(scene.folder, name);
  await writeFile(kubeconfigFile, kubeconfig);
  const clusters = openClusters({ clusters: [{ name: 'lab', kubeconfigFile }], timeoutMs: 5000 });
  opened.push(clusters);
  return clusters.of('lab');
}

/** The adapter as an account that may list these, in the core, apps or the named API groups. */
async function adapterThatLists(name: string, rules: { apiGroups: string[]; resources: string[] }[]): Promise<Cluster> {
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  const core = { apiGroups: ['', 'apps'], resources: ['nodes', 'pods', 'daemonsets'] };
  const account = { namespace: 'default', name };
  await createObject(scene, { path: '/api/v1', plural: 'serviceaccounts', object: { metadata: account } });
  const role = { metadata: { name }, rules: [core, ...rules].map(rule => ({ ...rule, verbs: ['list'] })) };
  await createObject(scene, { path: rbac, plural: 'clusterroles', object: role });
  const binding = {
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ kind: 'ServiceAccount', ...account }],
  };
  await createObject(scene, { path: rbac, plural: 'clusterrolebindings', object: binding });
  return adapterWith(name, scene.lab.kubeconfigOf(account));
}

async function found(kind: string, name: string, from = cluster): Promise<RemediatorFacts> {
  const all = await from.remediators();
  return all.find(each => each.kind === kind && each.name === name) ?? expect.fail(`${kind} ${name} was not found`);
}

beforeAll(async () => {
  scene = await kubernetesScene('127.61.0.63');
  await settled(scene);
  cluster = scene.cluster;
});
afterAll(async () => {
  await Promise.all(opened.map(each => each.close()));
  await scene.close();
});

describe('a cluster without any of these kinds', () => {
  it('has nothing that remediates', async () => {
    expect(await cluster.remediators()).toEqual([]);
  });
});

describe('MachineHealthChecks of Cluster API', () => {
  const group = 'cluster.x-k8s.io';
  const path = `/apis/${group}/v1beta2`;
  const machine = (name: string, node: string, more: { labels?: object; annotations?: object } = {}) => ({
    path,
    plural: 'machines',
    object: {
      metadata: {
        name,
        namespace: 'fleet',
        labels: { [`${group}/cluster-name`]: 'prod', pool: 'workers', ...more.labels },
        annotations: more.annotations ?? {},
      },
      spec: { clusterName: 'prod', infrastructureRef: { kind: 'Metal3Machine', name: `metal-${name}` } },
      status: { nodeRef: { name: node } },
    },
  });
  const check = (name: string, spec: object) =>
    createObject(scene, {
      path,
      plural: 'machinehealthchecks',
      object: { metadata: { name, namespace: 'fleet' }, spec: { clusterName: 'prod', ...spec } },
    });

  beforeAll(async () => {
    const versions = ['v1beta2', 'v1beta1'];
    await createObject(scene, { path: '/api/v1', plural: 'namespaces', object: { metadata: { name: 'fleet' } } });
    await declareKind(scene, { group, versions, plural: 'machines', kind: 'Machine' });
    await declareKind(scene, { group, versions, plural: 'machinehealthchecks', kind: 'MachineHealthCheck' });
    await createObject(scene, machine('a', 'w-1'));
    await createObject(scene, machine('b', 'w-2', { labels: { pool: 'spare' } }));
    await createObject(scene, machine('c', 'w-3', { annotations: { [`${group}/skip-remediation`]: '' } }));
    await createObject(scene, machine('d', 'x-1', { labels: { [`${group}/cluster-name`]: 'other' } }));
    await check('workers', { selector: { matchLabels: { pool: 'workers' } } });
    await check('everything', { selector: {} });
    await check('odd', { selector: { matchExpressions: [{ key: 'pool', operator: 'Near', values: [] }] } });
  });

  it('cover the nodes of the machines that they select, without those that are exempted or of another cluster', async () => {
    expect(await found('MachineHealthCheck', 'workers')).toEqual({
      kind: 'MachineHealthCheck',
      namespace: 'fleet',
      name: 'workers',
      does: expect.stringContaining('replaces machines'),
      nodes: ['w-1'],
      pause: `kubectl -n fleet annotate machinehealthchecks.${group} workers ${group}/paused=true`,
      object: `${path}/namespaces/fleet/machinehealthchecks/workers`,
      holders: [],
    });
    expect((await found('MachineHealthCheck', 'everything')).nodes?.toSorted()).toEqual(['w-1', 'w-2']);
  });

  it('cover all nodes where their selector is not understood', async () => {
    expect(await found('MachineHealthCheck', 'odd')).not.toHaveProperty('nodes');
  });

  it('are paused by their annotation, whatever its value', async () => {
    const annotations = { [`${group}/paused`]: '' };
    await mergePatch(scene, `${path}/namespaces/fleet/machinehealthchecks/workers`, { metadata: { annotations } });
    expect((await found('MachineHealthCheck', 'workers')).pausedBy).toContain(`${group}/paused`);
    expect(await found('MachineHealthCheck', 'everything')).not.toHaveProperty('pausedBy');
  });

  it('cover all nodes for an account that may not list machines', async () => {
    const rules = [{ apiGroups: [group], resources: ['machinehealthchecks'] }];
    const account = await adapterThatLists('no-machines', rules);
    expect(await found('MachineHealthCheck', 'everything', account)).not.toHaveProperty('nodes');
  });

  it('that may not be listed are a refusal that names the permission, not an empty list', async () => {
    const account = await adapterThatLists('nothing', []);
    await expect(account.remediators()).rejects.toMatchObject({
      code: 'cluster_refused',
      message: expect.stringContaining(`the list of machinehealthchecks.${group} (403)`),
      hint: expect.stringContaining(`list on machinehealthchecks.${group}`),
    });
  });
});

describe('MachineHealthChecks of OpenShift', () => {
  it('are found beside the others', async () => {
    const group = 'machine.openshift.io';
    const path = `/apis/${group}/v1beta1`;
    const of = (plural: string, object: object) =>
      createObject(scene, { path, plural, object: { metadata: { name: 'pool', namespace: 'fleet' }, ...object } });
    await declareKind(scene, { group, versions: ['v1beta1'], plural: 'machines', kind: 'Machine' });
    await declareKind(scene, {
      group,
      versions: ['v1beta1'],
      plural: 'machinehealthchecks',
      kind: 'MachineHealthCheck',
    });
    await of('machines', { status: { nodeRef: { kind: 'Node', name: 'w-3' } } });
    await of('machinehealthchecks', { spec: { selector: {} } });
    const facts = await found('MachineHealthCheck', 'pool');
    expect(facts.nodes).toEqual(['w-3']);
    expect(facts.pause).toBe(
      `kubectl -n fleet annotate machinehealthchecks.${group} pool cluster.x-k8s.io/paused=true`,
    );
  });
});

describe('NodeHealthChecks', () => {
  const path = '/apis/remediation.medik8s.io/v1alpha1';
  const object = (name: string, spec: object, status: object = {}) =>
    createObject(scene, { path, plural: 'nodehealthchecks', object: { metadata: { name }, spec, status } });

  beforeAll(async () => {
    const kind = { plural: 'nodehealthchecks', kind: 'NodeHealthCheck', scope: 'Cluster' as const };
    await declareKind(scene, { group: 'remediation.medik8s.io', versions: ['v1alpha1'], ...kind });
  });

  it('cover the nodes that they select', async () => {
    const hostnames = { key: 'kubernetes.io/hostname', operator: 'In', values: ['w-1', 'w-2'] };
    await object('some', { selector: { matchExpressions: [hostnames, { key: 'gpu', operator: 'DoesNotExist' }] } });
    expect(await found('NodeHealthCheck', 'some')).toMatchObject({ namespace: '', nodes: ['w-1', 'w-2'] });
    expect(await found('NodeHealthCheck', 'some')).not.toHaveProperty('pausedBy');
  });

  it('are paused by a pause request, and tell which remediations go on all the same', async () => {
    const selector = { matchExpressions: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'DoesNotExist' }] };
    const status = {
      inFlightRemediations: { 'w-3': '2026-01-01T00:00:00Z' },
      unhealthyNodes: [{ name: 'w-2', remediations: [{ resource: {} }] }, { name: 'w-1' }],
    };
    await object('paused', { selector, pauseRequests: ['upgrade'] }, status);
    const facts = await found('NodeHealthCheck', 'paused');
    expect(facts).toMatchObject({ pausedBy: expect.stringContaining('pauseRequests'), nodes: ['w-1', 'w-2', 'w-3'] });
    expect(facts.busyWith?.toSorted()).toEqual(['w-2', 'w-3']);
  });
});

describe('BareMetalHosts', () => {
  const host = (name: string, { spec, status = {}, annotations = {} }: Record<string, object>) =>
    createObject(scene, {
      path: '/apis/metal3.io/v1alpha1',
      plural: 'baremetalhosts',
      object: { metadata: { name, namespace: 'fleet', annotations }, spec, status },
    });
  const state = (text: string, hostname = 'localhost.localdomain') => ({
    provisioning: { state: text },
    hardware: { hostname },
  });

  beforeAll(() =>
    declareKind(scene, { group: 'metal3.io', versions: ['v1alpha1'], plural: 'baremetalhosts', kind: 'BareMetalHost' }),
  );

  it('name the BMC that they power, in each form of an address', async () => {
    const forms = {
      'virtual-media': ['redfish-virtualmedia+https://10.1.0.11/redfish/v1/Systems/1', '10.1.0.11'],
      ipmi: ['ipmi://[fd00:1::11]:623', 'fd00:1::11'],
      bare: ['10.1.0.12', '10.1.0.12'],
      port: ['idrac-redfish://10.1.0.13:8443/redfish/v1/Systems/System.Embedded.1', '10.1.0.13'],
    };
    for (const [name, [address, ip]] of Object.entries(forms)) {
      await host(name, { spec: { online: true, bmc: { address } }, status: state('provisioned') });
      expect((await found('BareMetalHost', name)).bmc, address).toBe(ip);
    }
    await host('by-name', { spec: { bmc: { address: 'redfish://bmc-7.example/redfish/v1/Systems/1' } } });
    expect(await found('BareMetalHost', 'by-name')).not.toHaveProperty('bmc');
  });

  it('cover the node of the machine that consumes them, or of their hostname, else all', async () => {
    const metal = { kind: 'Metal3Machine', name: 'metal-a', namespace: 'fleet' };
    await host('consumed', { spec: { consumerRef: metal }, status: state('provisioned') });
    await host('openshift', { spec: { consumerRef: { kind: 'Machine', name: 'pool' } }, status: state('provisioned') });
    await host('named', { spec: {}, status: state('externally provisioned', 'w-2') });
    await host('elsewhere', { spec: {}, status: state('provisioned') });
    expect((await found('BareMetalHost', 'consumed')).nodes).toEqual(['w-1']);
    expect((await found('BareMetalHost', 'openshift')).nodes).toEqual(['w-3']);
    expect((await found('BareMetalHost', 'named')).nodes).toEqual(['w-2']);
    expect(await found('BareMetalHost', 'elsewhere')).not.toHaveProperty('nodes');
  });

  it('cover no node while nobody uses them', async () => {
    await host('spare', { spec: {}, status: state('available') });
    expect((await found('BareMetalHost', 'spare')).nodes).toEqual([]);
  });

  it('are paused by either annotation', async () => {
    for (const mark of ['paused', 'detached']) {
      const annotation = `baremetalhost.metal3.io/${mark}`;
      await host(mark, { spec: {}, status: state('provisioned'), annotations: { [annotation]: '' } });
      expect((await found('BareMetalHost', mark)).pausedBy).toContain(annotation);
    }
  });
});

describe('plans of the system-upgrade-controller', () => {
  it('cover the nodes that they select and that are neither done nor exempted', async () => {
    const group = 'upgrade.cattle.io';
    await declareKind(scene, { group, versions: ['v1'], plural: 'plans', kind: 'Plan' });
    const plan = (name: string, spec: object, status: object) =>
      createObject(scene, {
        path: `/apis/${group}/v1`,
        plural: 'plans',
        object: { metadata: { name, namespace: 'fleet' }, spec, status },
      });
    const selector = { matchExpressions: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'DoesNotExist' }] };
    const label = (node: string, name: string, value: string) =>
      mergePatch(scene, `/api/v1/nodes/${node}`, {
        metadata: { labels: { [`plan.upgrade.cattle.io/${name}`]: value } },
      });
    await label('w-1', 'agents', 'abc123');
    await label('w-2', 'agents', 'disabled');
    await plan('agents', { nodeSelector: selector }, { latestHash: 'abc123', applying: ['w-3'] });
    await plan('nobody', {}, { latestHash: 'abc123' });
    expect(await found('Plan', 'agents')).toMatchObject({
      nodes: ['w-3'],
      busyWith: ['w-3'],
      pause: 'kubectl label node <node> plan.upgrade.cattle.io/agents=disabled --overwrite',
    });
    await label('w-1', 'agents', 'older');
    expect((await found('Plan', 'agents')).nodes).toEqual(['w-1', 'w-3']);
    expect((await found('Plan', 'nobody')).nodes).toEqual([]);
  });
});

describe('kured', () => {
  const lock = 'weave.works/kured-node-lock';
  const path = '/apis/apps/v1';

  async function install(name: string, container: object): Promise<void> {
    const labels = { name };
    const spec = {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'kured', image: 'ghcr.io/kubereboot/kured:1.20.0', ...container }] },
      },
    };
    const metadata = { name, namespace: 'kube-system' };
    await createObject(scene, { path, plural: 'daemonsets', object: { metadata, spec } });
    await until(`${name} runs on the workers`, async () => (await found('kured', name)).nodes?.length === 3);
  }

  const annotate = (name: string, value: unknown, annotation = lock) =>
    mergePatch(scene, `${path}/namespaces/kube-system/daemonsets/${name}`, {
      metadata: { annotations: { [annotation]: value === null ? null : JSON.stringify(value) } },
    });

  /** What is told once the lock reads so. */
  async function under(name: string, value: unknown): Promise<Pick<RemediatorFacts, 'pausedBy' | 'busyWith'>> {
    await annotate(name, value);
    const { pausedBy, busyWith } = await found('kured', name);
    return { ...(pausedBy ? { pausedBy } : {}), ...(busyWith ? { busyWith } : {}) };
  }

  const paused = { pausedBy: expect.stringContaining('kured-node-lock') };
  const long = '2000-01-01T00:00:00Z';

  it('is told by its image, with the nodes that it runs on', async () => {
    await install('kured', {});
    expect((await found('kured', 'kured')).nodes?.toSorted()).toEqual(['w-1', 'w-2', 'w-3']);
    expect(await found('kured', 'kured')).toMatchObject({
      namespace: 'kube-system',
      does: expect.stringContaining('reboots'),
    });
    expect(await under('kured', null)).toEqual({});
  });

  it('is paused by a lock of nobody that does not end, and busy with the node that holds it', async () => {
    expect(await under('kured', { nodeID: 'manual' })).toEqual(paused);
    expect(await under('kured', { nodeID: 'w-2', created: new Date(), TTL: 0 })).toEqual({ busyWith: ['w-2'] });
    expect(await under('kured', { nodeID: 'manual', created: long, TTL: 60e9 })).toEqual({});
    expect(await under('kured', { nodeID: 'w-2', created: long, TTL: 60e9 })).toEqual({});
    expect(await under('kured', { nodeID: 'manual', created: new Date(), TTL: 3600e9 })).toEqual({});
    expect(await under('kured', 'manual')).toEqual({});
  });

  it('with several owners is paused only when each place is taken by nobody', async () => {
    await install('rebooter', { args: ['--concurrency', '2'] });
    const manual = { nodeID: 'manual' };
    expect(await under('rebooter', manual)).toEqual({});
    expect(await under('rebooter', { maxOwners: 2, locks: [manual] })).toEqual({});
    expect(await under('rebooter', { maxOwners: 2, locks: [manual, { nodeID: 'w-1' }] })).toEqual({
      busyWith: ['w-1'],
    });
    expect(await under('rebooter', { maxOwners: 2, locks: [manual, manual] })).toEqual(paused);
    expect((await found('kured', 'rebooter')).pause).toBe(
      `kubectl -n kube-system annotate daemonset rebooter '${lock}=` +
        '{"maxOwners":2,"locks":[{"nodeID":"manual"},{"nodeID":"manual"}]}\'',
    );
  });

  it('with a lock that ends by itself is not paused by a lock without date', async () => {
    await install('expiring', { env: [{ name: 'KURED_LOCK_TTL', value: '30m' }] });
    expect(await under('expiring', { nodeID: 'manual' })).toEqual({});
    expect(await under('expiring', { nodeID: 'manual', created: '2100-01-01T00:00:00Z' })).toEqual(paused);
    expect((await found('kured', 'expiring')).pause).toContain('"created":"2100-01-01T00:00:00Z"');
  });

  it('is asked for the lock that it was told to use', async () => {
    await install('renamed', { command: ['/usr/bin/kured', '--lock-annotation=example.com/lock'] });
    expect(await under('renamed', { nodeID: 'manual' })).toEqual({});
    await annotate('renamed', { nodeID: 'manual' }, 'example.com/lock');
    expect((await found('kured', 'renamed')).pausedBy).toContain('example.com/lock');
  });
});

describe('the account of the shipped manifests', () => {
  it('reads all of them, as an administrator does', async () => {
    const [shipped, all] = await Promise.all([scene.cluster.remediators(), cluster.remediators()]);
    expect(new Set(all.map(({ kind }) => kind)).size).toBe(5);
    expect(shipped).toEqual(all);
  });
});
