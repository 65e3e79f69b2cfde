import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KubectlScene, kubectlIsMissing, kubectlScene, kubectlTitle } from '../support/kubectl-scene.ts';
import { until } from '../support/kubernetes-lab.ts';

describe.skipIf(kubectlIsMissing)(kubectlTitle('kubectl shows'), () => {
  let scene: KubectlScene;
  let kubectl: KubectlScene['kubectl'];

  beforeAll(async () => {
    scene = await kubectlScene('127.61.0.24');
    kubectl = scene.kubectl;
  });
  afterAll(() => scene.close());

  const heads: [kind: string, head: string][] = [
    ['pods', 'NAME READY STATUS RESTARTS AGE IP NODE NOMINATED NODE READINESS GATES'],
    ['deployments', 'NAME READY UP-TO-DATE AVAILABLE AGE CONTAINERS IMAGES SELECTOR'],
    ['replicasets', 'NAME DESIRED CURRENT READY AGE CONTAINERS IMAGES SELECTOR'],
    ['statefulsets', 'NAME READY AGE CONTAINERS IMAGES'],
    ['pdb', 'NAME MIN AVAILABLE MAX UNAVAILABLE ALLOWED DISRUPTIONS AGE'],
    ['events', 'LAST SEEN TYPE REASON OBJECT SUBOBJECT SOURCE MESSAGE FIRST SEEN COUNT NAME'],
    ['serviceaccounts', 'NAME SECRETS AGE'],
    ['namespaces', 'NAME STATUS AGE'],
    ['clusterrolebindings', 'NAME ROLE AGE USERS GROUPS SERVICEACCOUNTS'],
  ];

  it.each(heads)('%s with the columns of a real cluster', async (kind, head) => {
    const [first = ''] = (await kubectl('-n', 'shop', 'get', kind, '-o', 'wide')).split('\n');
    expect(first.trim().replace(/\s+/g, ' ')).toBe(head);
  });

  it('objects of all namespaces, as YAML, by name and by path', async () => {
    expect(await kubectl('get', 'pods', '-A')).toMatch(/^NAMESPACE\s+NAME\s+READY\s+STATUS\s+RESTARTS\s+AGE\n/);
    const yaml = await kubectl('-n', 'shop', 'get', 'pdb', 'web', '-o', 'yaml');
    expect(yaml).toContain('kind: PodDisruptionBudget');
    expect(yaml).toContain('minAvailable: 2');
    expect(yaml).not.toContain('managedFields');
    expect(await kubectl('-n', 'shop', 'get', 'sts', 'orders', '-o', 'jsonpath={.spec.replicas}')).toBe('2');
    const missing = await scene.tryKubectl('-n', 'shop', 'get', 'pod', 'nobody');
    expect(missing.stderr).toBe('Error from server (NotFound): pods "nobody" not found\n');
    expect(await kubectl('-n', 'shop', 'get', 'all')).toContain('deployment.apps/web');
  });

  it('changes as they come', async () => {
    const watching = scene.startKubectl('get', 'nodes', '-w');
    await until('it has the list', () => watching.output().includes('w-3'));
    await kubectl('cordon', 'w-3');
    await until('it tells the change', () => /w-3\s+Ready,SchedulingDisabled/.test(watching.output()));
    watching.stop();
    await kubectl('uncordon', 'w-3');
  });

  it('all of an object, with its events', async () => {
    const pod = await kubectl('-n', 'shop', 'describe', 'pod', 'orders-0');
    expect(pod).toMatch(/Controlled By:\s+StatefulSet\/orders/);
    expect(pod).toMatch(/Normal\s+Scheduled\s.*default-scheduler\s+Successfully assigned shop\/orders-0 to w-/);
    const budget = await kubectl('-n', 'shop', 'describe', 'pdb', 'web');
    expect(budget).toMatch(/Allowed disruptions:\s+1\n\s+Current:\s+3\n\s+Desired:\s+2\n\s+Total:\s+3/);
    const deployment = await kubectl('-n', 'shop', 'describe', 'deployment', 'web');
    expect(deployment).toMatch(/Replicas:\s+3 desired \| 3 updated \| 3 total \| 3 available \| 0 unavailable/);
    expect(await kubectl('-n', 'shop', 'events')).toMatch(/Normal\s+ScalingReplicaSet\s+Deployment\/web\s+Scaled up/);
  });

  it('who asks, and what they may do', async () => {
    expect(await kubectl('auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}')).toBe('kubernetes-admin');
    expect(await kubectl('auth', 'can-i', 'delete', 'nodes')).toBe('yes\n');
    const as = '--as=system:serviceaccount:groundskeeper:groundskeeper';
    expect(await kubectl('auth', 'can-i', 'create', 'pods', '--subresource=eviction', '-A', as)).toBe('yes\n');
    const refused = await scene.tryKubectl('auth', 'can-i', 'delete', 'pods', '-A', as);
    expect([refused.code, refused.stdout]).toEqual([1, 'no\n']);
    expect(await kubectl('auth', 'can-i', '--list', as)).toMatch(/pods\/eviction\s+\[\]\s+\[\]\s+\[create\]/);
    const got = await scene.tryKubectl('get', 'secrets', '-A', as);
    expect(got.stderr).toBe(
      'Error from server (Forbidden): secrets is forbidden: User "system:serviceaccount:groundskeeper:groundskeeper" cannot list resource "secrets" in API group "" at the cluster scope\n',
    );
    const token = (await kubectl('-n', 'groundskeeper', 'create', 'token', 'groundskeeper')).trim();
    expect((await scene.raw('/api/v1/nodes', { token })).status).toBe(200);
    expect((await scene.raw('/api/v1/secrets', { token })).status).toBe(403);
  });

  it('why there are no logs and no exec', async () => {
    const logs = await scene.tryKubectl('-n', 'shop', 'logs', 'orders-0');
    expect([logs.code, logs.stderr]).toEqual([1, expect.stringContaining('there is no log of pod orders-0')]);
    const exec = await scene.tryKubectl('-n', 'shop', 'exec', 'orders-0', '--', 'true');
    expect([exec.code, exec.stderr]).toEqual([1, expect.stringContaining('run no containers')]);
  });

  it('what kinds there are', async () => {
    const kinds = await kubectl('api-resources', '--no-headers');
    expect(kinds).toMatch(/poddisruptionbudgets\s+pdb\s+policy\/v1\s+true\s+PodDisruptionBudget/);
    expect(await kubectl('version')).toMatch(/Server Version: v1\.34/);
  });
});
