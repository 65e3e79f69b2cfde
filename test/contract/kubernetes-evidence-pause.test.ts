import { execFile, execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openClusters } from '../../src/adapters/kubernetes/open-clusters.ts';
import { unknown } from '../../src/core/bmc.ts';
import { FleetError } from '../../src/core/errors.ts';
import type { PlanTarget } from '../../src/core/plan.ts';
import { proveNoRemediator } from '../../src/operations/refuse-remediators.ts';
import { createObject, declareKind } from '../support/custom-kinds.ts';
import { type KubernetesScene, kubernetesScene, settled, until } from '../support/kubernetes-lab.ts';

const run = promisify(execFile);

function hasKubectl(): boolean {
  try {
    execFileSync('kubectl', ['version', '--client'], { timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}

const target: PlanTarget = {
  node: 'w-1',
  site: 'boston',
  cluster: 'boston',
  role: 'worker',
  nodeUid: 'uid',
  systemUuid: 'uuid',
  serial: unknown('not asked'),
  model: unknown('not asked'),
  vendor: 'generic',
  bmcUrl: 'https://10.1.0.11',
  systemUri: '/redfish/v1/Systems/1',
  cohort: 'generic',
};

let scene: KubernetesScene;

/** What stands in the way of the node, or undefined when nothing does. */
async function refusal(): Promise<FleetError | undefined> {
  try {
    await proveNoRemediator({ cluster: scene.cluster, target });
    return undefined;
  } catch (thrown) {
    return FleetError.from(thrown);
  }
}

beforeAll(async () => {
  scene = await kubernetesScene('127.61.0.64');
  await settled(scene);
  await createObject(scene, { path: '/api/v1', plural: 'namespaces', object: { metadata: { name: 'fleet' } } });
});
afterAll(() => scene.close());

/** One of each kind that acts on w-1, made by its own people. */
const kinds: Record<string, () => Promise<void>> = {
  'MachineHealthCheck fleet/workers': async () => {
    const group = 'cluster.x-k8s.io';
    const path = `/apis/${group}/v1beta2`;
    const metadata = { name: 'workers', namespace: 'fleet' };
    await declareKind(scene, { group, versions: ['v1beta2'], plural: 'machines', kind: 'Machine' });
    await declareKind(scene, {
      group,
      versions: ['v1beta2'],
      plural: 'machinehealthchecks',
      kind: 'MachineHealthCheck',
    });
    await createObject(scene, { path, plural: 'machines', object: { metadata, status: { nodeRef: { name: 'w-1' } } } });
    await createObject(scene, { path, plural: 'machinehealthchecks', object: { metadata, spec: { selector: {} } } });
  },
  'NodeHealthCheck workers': async () => {
    const group = 'remediation.medik8s.io';
    const plural = 'nodehealthchecks';
    await declareKind(scene, { group, versions: ['v1alpha1'], plural, kind: 'NodeHealthCheck', scope: 'Cluster' });
    const object = { metadata: { name: 'workers' }, spec: { selector: {} } };
    await createObject(scene, { path: `/apis/${group}/v1alpha1`, plural, object });
  },
  'BareMetalHost fleet/rack-1': async () => {
    const place = { group: 'metal3.io', versions: ['v1alpha1'], plural: 'baremetalhosts', kind: 'BareMetalHost' };
    await declareKind(scene, place);
    const spec = { online: true, bmc: { address: 'redfish://10.1.0.11/redfish/v1/Systems/1' } };
    const object = { metadata: { name: 'rack-1', namespace: 'fleet' }, spec };
    await createObject(scene, { path: '/apis/metal3.io/v1alpha1', plural: 'baremetalhosts', object });
  },
  'Plan fleet/agents': async () => {
    const group = 'upgrade.cattle.io';
    await declareKind(scene, { group, versions: ['v1'], plural: 'plans', kind: 'Plan' });
    const object = { metadata: { name: 'agents', namespace: 'fleet' }, spec: { nodeSelector: {} } };
    await createObject(scene, { path: `/apis/${group}/v1`, plural: 'plans', object });
  },
  'kured kube-system/kured': () => daemonSet('kured', []),
  'kured kube-system/pairs': () => daemonSet('pairs', ['--concurrency=2', '--lock-ttl=30m']),
};

async function daemonSet(name: string, args: string[]): Promise<void> {
  const spec = {
    selector: { matchLabels: { name } },
    template: {
      metadata: { labels: { name } },
      spec: { containers: [{ name: 'kured', image: 'ghcr.io/kubereboot/kured:1.20.0', args }] },
    },
  };
  const object = { metadata: { name, namespace: 'kube-system' }, spec };
  await createObject(scene, { path: '/apis/apps/v1', plural: 'daemonsets', object });
  await until(`${name} runs`, async () => (await refusal())?.message.includes(`kured kube-system/${name}`));
}

it('a node on which nobody else acts is not refused, with the evidence', async () => {
  const proof = await proveNoRemediator({ cluster: scene.cluster, target });
  expect(proof).toBe('nothing else in the cluster reboots or replaces nodes');
});

const title = hasKubectl() ? 'with kubectl' : 'with kubectl (skipped: there is none in PATH)';
describe.skipIf(!hasKubectl())(title, () => {
  it.each(Object.keys(kinds))('%s is refused, and no longer once the command of the refusal was run', async kind => {
    await kinds[kind]?.();
    const error = await refusal();
    expect(error).toMatchObject({ code: 'precondition_failed', message: expect.stringContaining(`${kind} `) });
    const [, command = ''] = /pause it: (kubectl .*)$/.exec(error?.message ?? '') ?? [];
    const env = { ...process.env, KUBECONFIG: scene.adminKubeconfigFile, KUBECACHEDIR: join(scene.folder, 'cache') };
    await run('sh', ['-c', command], { env, timeout: 50_000 });
    expect(await refusal()).toBeUndefined();
  });

  it('nothing is refused in the end, and the proof counts who was found', async () => {
    const count = Object.keys(kinds).length;
    expect(await proveNoRemediator({ cluster: scene.cluster, target })).toContain(`${count} controllers`);
  });
});

it('a kind that may not be read refuses, whatever the others say', async () => {
  const group = 'machine.openshift.io';
  await declareKind(scene, { group, versions: ['v1beta1'], plural: 'machinehealthchecks', kind: 'MachineHealthCheck' });
  const account = { namespace: 'default', name: 'stranger' };
  await createObject(scene, { path: '/api/v1', plural: 'serviceaccounts', object: { metadata: account } });
  const kubeconfigFile = join(scene.folder, 'stranger');
  await writeFile(kubeconfigFile, scene.lab.kubeconfigOf(account));
  const strangers = openClusters({ clusters: [{ name: 'lab', kubeconfigFile }], timeoutMs: 5000 });
  await expect(proveNoRemediator({ cluster: strangers.of('lab'), target })).rejects.toMatchObject({
    code: 'cluster_refused',
  });
  await strangers.close();
});
