import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KubectlScene, kubectlIsMissing, kubectlScene, kubectlTitle } from '../support/kubectl-scene.ts';
import { settled, until } from '../support/kubernetes-lab.ts';

describe.skipIf(kubectlIsMissing)(kubectlTitle('kubectl, on nodes'), () => {
  let scene: KubectlScene;
  let kubectl: KubectlScene['kubectl'];

  beforeAll(async () => {
    scene = await kubectlScene('127.61.0.7');
    kubectl = scene.kubectl;
  });
  afterAll(() => scene.close());

  it('shows them with status, roles and version', async () => {
    const [head, first] = (await kubectl('get', 'nodes')).split('\n');
    expect(head).toMatch(/^NAME\s+STATUS\s+ROLES\s+AGE\s+VERSION$/);
    expect(first).toMatch(/^cp-1\s+Ready\s+control-plane\s+\S+\s+v1\.34/);
    const [wide] = (await kubectl('get', 'nodes', '-o', 'wide')).split('\n');
    expect(wide).toMatch(/INTERNAL-IP\s+EXTERNAL-IP\s+OS-IMAGE\s+KERNEL-VERSION\s+CONTAINER-RUNTIME$/);
  });

  it('describes one', async () => {
    const text = await kubectl('describe', 'node', 'w-2');
    expect(text).toMatch(/Boot ID:\s+\S{36}/);
    expect(text).toMatch(/Ready\s+True\s.*KubeletReady/);
    expect(text).toContain('RegisteredNode');
  });

  it('cordons, drains and uncordons one', async () => {
    expect(await kubectl('cordon', 'w-1')).toBe('node/w-1 cordoned\n');
    expect(await kubectl('cordon', 'w-1')).toBe('node/w-1 already cordoned\n');
    expect(await kubectl('get', 'node', 'w-1')).toContain('Ready,SchedulingDisabled');
    const drained = await kubectl('drain', 'w-1', '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=40s');
    expect(drained).toContain('node/w-1 drained');
    const left = await scene.cluster.pods('w-1');
    expect(left.map(pod => pod.controller?.kind)).toEqual(['DaemonSet']);
    expect(await kubectl('uncordon', 'w-1')).toBe('node/w-1 uncordoned\n');
    expect((await scene.cluster.node('w-1')).unschedulable).toBe(false);
    await settled(scene);
  });

  it('says why it does not drain one, before anything is evicted', async () => {
    const evictions = scene.effects.since().filter(({ path }) => path.includes('/eviction')).length;
    const { code, stderr } = await scene.tryKubectl('drain', 'w-2', '--timeout=5s');
    expect(code).toBe(1);
    expect(stderr).toContain('cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)');
    expect(scene.effects.since().filter(({ path }) => path.includes('/eviction'))).toHaveLength(evictions);
    await kubectl('uncordon', 'w-2');
  });

  it('waits in a drain for a disruption budget, and goes on once it allows', async () => {
    await settled(scene);
    await kubectl('-n', 'shop', 'patch', 'pdb', 'web', '-p', '{"spec":{"minAvailable":3}}');
    await until('the budget allows nothing', async () =>
      (await scene.cluster.pdbs()).some(({ name, disruptionsAllowed }) => name === 'web' && disruptionsAllowed === 0),
    );
    const web = (await scene.cluster.pods()).find(({ labels }) => labels.app === 'web');
    const node = web?.node ?? '';
    const drain = scene.startKubectl('drain', node, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=60s');
    await until('the drain is told of the budget', () =>
      drain.output().includes("Cannot evict pod as it would violate the pod's disruption budget."),
    );
    expect(drain.output()).toMatch(/error when evicting pods\/"web-[a-z0-9-]+" -n "shop" \(will retry after 5s\)/);
    await kubectl('-n', 'shop', 'patch', 'pdb', 'web', '-p', '{"spec":{"minAvailable":2}}');
    expect(await drain.ended).toBe(0);
    expect(drain.output()).toContain(`node/${node} drained`);
    await kubectl('uncordon', node);
  });

  it('taints, labels and annotates one, and takes all of it away', async () => {
    expect(await kubectl('taint', 'node', 'w-2', 'lab=test:NoSchedule')).toBe('node/w-2 tainted\n');
    expect((await scene.cluster.node('w-2')).taints).toEqual([{ key: 'lab', value: 'test', effect: 'NoSchedule' }]);
    expect(await kubectl('taint', 'node', 'w-2', 'lab-')).toBe('node/w-2 untainted\n');
    expect((await scene.cluster.node('w-2')).taints).toEqual([]);
    expect(await kubectl('label', 'node', 'w-2', 'rack=r1')).toBe('node/w-2 labeled\n');
    expect(await kubectl('get', 'nodes', '-l', 'rack=r1', '-o', 'name')).toBe('node/w-2\n');
    const twice = await scene.tryKubectl('label', 'node', 'w-2', 'rack=r2');
    expect(twice.stderr).toContain("'rack' already has a value (r1), and --overwrite is false");
    await kubectl('label', 'node', 'w-2', 'rack-');
    expect(await kubectl('annotate', 'node', 'w-2', 'note=hi')).toBe('node/w-2 annotated\n');
    const { metadata } = (await scene.raw('/api/v1/nodes/w-2')).body;
    expect([metadata?.labels?.rack, metadata?.annotations?.note]).toEqual([undefined, 'hi']);
  });

  it('is refused a taint that has no such effect, in the words of the API', async () => {
    const wrong = '{"spec":{"taints":[{"key":"a","effect":"Never"}]}}';
    const { stderr } = await scene.tryKubectl('patch', 'node', 'w-2', '-p', wrong);
    expect(stderr).toContain(
      'The Node "w-2" is invalid: metadata.taints[0].effect: Unsupported value: "Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
    );
  });
});
