import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KubectlScene, kubectlIsMissing, kubectlScene, kubectlTitle } from '../support/kubectl-scene.ts';
import { until } from '../support/kubernetes-lab.ts';

describe.skipIf(kubectlIsMissing)(kubectlTitle('kubectl delete'), () => {
  let scene: KubectlScene;
  let kubectl: KubectlScene['kubectl'];
  const names = async (kind: string, label: string) =>
    (await kubectl('-n', 'default', 'get', kind, '-l', label, '-o', 'name')).split('\n').filter(line => line !== '');

  /** A Deployment with two ready pods. */
  async function deployed(name: string): Promise<void> {
    await kubectl('-n', 'default', 'create', 'deployment', name, '--image=registry.lab.test/x:1', '--replicas=2');
    await kubectl('-n', 'default', 'rollout', 'status', `deployment/${name}`, '--timeout=40s');
  }

  beforeAll(async () => {
    scene = await kubectlScene('127.61.0.23');
    kubectl = scene.kubectl;
  });
  afterAll(() => scene.close());

  it('waits until a pod has left, or does not', async () => {
    await kubectl('-n', 'default', 'run', 'waited', '--image=registry.lab.test/x:1');
    await kubectl('-n', 'default', 'wait', '--for=condition=Ready', 'pod/waited', '--timeout=20s');
    expect(await kubectl('-n', 'default', 'delete', 'pod', 'waited')).toMatch(/^pod "waited" deleted/);
    expect((await scene.raw('/api/v1/namespaces/default/pods/waited')).status).toBe(404);
    await kubectl('-n', 'default', 'run', 'hasty', '--image=registry.lab.test/x:1');
    await kubectl('-n', 'default', 'wait', '--for=condition=Ready', 'pod/hasty', '--timeout=20s');
    await kubectl('-n', 'default', 'delete', 'pod', 'hasty', '--wait=false');
    const { metadata } = (await scene.raw('/api/v1/namespaces/default/pods/hasty')).body;
    expect(metadata?.deletionTimestamp).toBeTruthy();
    await until('it is gone', async () => (await scene.raw('/api/v1/namespaces/default/pods/hasty')).status === 404);
  });

  it('by force takes a pod out of the API at once', async () => {
    await kubectl('-n', 'default', 'run', 'forced', '--image=registry.lab.test/x:1');
    await kubectl('-n', 'default', 'wait', '--for=condition=Ready', 'pod/forced', '--timeout=20s');
    const { stdout, stderr } = await scene.tryKubectl('-n', 'default', 'delete', 'pod', 'forced', '--force');
    expect(stdout).toContain('pod "forced" force deleted');
    expect(stderr).toContain('Immediate deletion does not wait');
    expect((await scene.raw('/api/v1/namespaces/default/pods/forced')).status).toBe(404);
  });

  it('in the background takes the owner first and what it owns after', async () => {
    await deployed('behind');
    const watch = await scene.watch('/apis/apps/v1/namespaces/default/deployments?watch=true');
    await kubectl('-n', 'default', 'delete', 'deployment', 'behind', '--cascade=background');
    await until('replica sets and pods are gone', async () => (await names('rs,pods', 'app=behind')).length === 0);
    const last = watch.events.filter(({ object }) => object.metadata?.name === 'behind').at(-1);
    expect(last).toMatchObject({ type: 'DELETED' });
    watch.stop();
  });

  it('in the foreground keeps the owner until what it owns is gone', async () => {
    await deployed('before');
    const watch = await scene.watch('/api/v1/namespaces/default/pods?watch=true&labelSelector=app%3Dbefore');
    await kubectl('-n', 'default', 'delete', 'deployment', 'before', '--cascade=foreground', '--wait=false');
    const { metadata } = (await scene.raw('/apis/apps/v1/namespaces/default/deployments/before')).body;
    expect((metadata as { finalizers?: string[] } | undefined)?.finalizers).toEqual(['foregroundDeletion']);
    await until('the owner is gone', async () => (await names('deployment', 'app=before')).length === 0);
    expect(await names('rs,pods', 'app=before')).toEqual([]);
    expect(watch.events.filter(({ type }) => type === 'DELETED')).toHaveLength(2);
    watch.stop();
  });

  it.each(['StatefulSet', 'DaemonSet'])('of a %s takes its pods along', async kind => {
    const name = kind.toLowerCase();
    const labels = { app: name };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'x', image: 'registry.lab.test/x:1' }] } };
    const metadata = { name, namespace: 'default' };
    const object = { apiVersion: 'apps/v1', kind, metadata, spec: { selector: { matchLabels: labels }, template } };
    await kubectl('apply', '-f', await scene.manifest(name, object));
    await kubectl('-n', 'default', 'rollout', 'status', `${name}/${name}`, '--timeout=40s');
    expect((await names('pods', `app=${name}`)).length).toBeGreaterThan(0);
    expect(await kubectl('-n', 'default', 'delete', name, name)).toMatch(new RegExp(`^${name}.apps "${name}" deleted`));
    await until('its pods are gone', async () => (await names('pods', `app=${name}`)).length === 0);
  });

  it('of a PodDisruptionBudget lets go what it held', async () => {
    await deployed('held');
    await kubectl('-n', 'default', 'create', 'pdb', 'held', '--selector=app=held', '--max-unavailable=0');
    const [pod = ''] = await names('pods', 'app=held');
    const evict = () =>
      scene.raw(`/api/v1/namespaces/default/${pod.replace('pod/', 'pods/')}/eviction`, {
        method: 'POST',
        body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod.replace('pod/', '') } },
      });
    await until('the budget refuses', async () => (await evict()).status === 429);
    expect(await kubectl('-n', 'default', 'delete', 'pdb', 'held')).toMatch(
      /^poddisruptionbudget.policy "held" deleted/,
    );
    expect((await evict()).status).toBe(201);
  });

  it('of a Node forgets its pods too, and its kubelet registers as another Node when it starts again', async () => {
    const node = async () => (await scene.raw('/api/v1/nodes/w-3')).body;
    const here = () => kubectl('get', 'pods', '-A', '--field-selector=spec.nodeName=w-3', '-o', 'name');
    const before = (await node()).metadata?.uid;
    expect(await here()).not.toBe('');
    expect(await kubectl('delete', 'node', 'w-3')).toMatch(/^node "w-3" deleted/);
    await until('its pods are collected', async () => (await here()) === '');
    expect((await node()).code).toBe(404);
    scene.hosts['w-3']?.restart();
    await until('another Node of that name is Ready', async () => {
      const { metadata, status } = await node();
      const conditions = (status?.conditions ?? []) as { type: string; status: string }[];
      const ready = conditions.some(each => each.type === 'Ready' && each.status === 'True');
      return metadata?.uid !== undefined && metadata.uid !== before && ready;
    });
  });

  it('may leave what is owned behind, without an owner', async () => {
    await deployed('orphaned');
    await kubectl('-n', 'default', 'delete', 'deployment', 'orphaned', '--cascade=orphan');
    const [set = ''] = await names('rs', 'app=orphaned');
    const owners = await kubectl('-n', 'default', 'get', set, '-o', 'jsonpath={.metadata.ownerReferences}');
    expect(owners).toBe('');
    expect(await names('pods', 'app=orphaned')).toHaveLength(2);
    await kubectl('-n', 'default', 'delete', set);
    await until('the pods follow the set', async () => (await names('pods', 'app=orphaned')).length === 0);
  });

  it('of a namespace takes everything in it', async () => {
    await kubectl('create', 'namespace', 'brief');
    await until('it has an account', async () => {
      const { status } = await scene.raw('/api/v1/namespaces/brief/serviceaccounts/default');
      return status === 200;
    });
    await kubectl('-n', 'brief', 'create', 'deployment', 'inside', '--image=registry.lab.test/x:1');
    await kubectl('-n', 'brief', 'rollout', 'status', 'deployment/inside', '--timeout=40s');
    expect(await kubectl('delete', 'namespace', 'brief', '--timeout=40s')).toMatch(/^namespace "brief" deleted/);
    expect((await scene.raw('/api/v1/namespaces/brief')).status).toBe(404);
    expect((await scene.cluster.pods()).filter(({ namespace }) => namespace === 'brief')).toEqual([]);
  });

  it('of a StatefulSet takes its pods and leaves its claims', async () => {
    expect(await kubectl('-n', 'shop', 'delete', 'statefulset', 'ledger')).toMatch(
      /^statefulset\.apps "ledger" deleted/,
    );
    await until('its pod is gone', async () => {
      return (await scene.raw('/api/v1/namespaces/shop/pods/ledger-0')).status === 404;
    });
    expect(await kubectl('-n', 'shop', 'get', 'pvc', '-o', 'name')).toMatch(/^persistentvolumeclaim\/\S+-ledger-0$/m);
  });

  it('of a DaemonSet takes its pod from every node', async () => {
    const agents = async () =>
      (await scene.cluster.pods()).filter(({ controller }) => controller?.kind === 'DaemonSet').length;
    expect(await agents()).toBe(4);
    const said = await kubectl('-n', 'kube-system', 'delete', 'daemonset', 'node-agent');
    expect(said).toMatch(/^daemonset\.apps "node-agent" deleted/);
    await until('its pods are gone', async () => (await agents()) === 0);
  });

  it('of a PodDisruptionBudget lets go what it held', async () => {
    await kubectl('-n', 'shop', 'create', 'pdb', 'all', '--selector=app=orders', '--min-available=2');
    await kubectl('-n', 'shop', 'delete', 'pdb', 'orders');
    const path = '/api/v1/namespaces/shop/pods/orders-0/eviction';
    const evict = async () => {
      const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'orders-0', namespace: 'shop' } };
      return (await scene.raw(path, { method: 'POST', body })).status;
    };
    await until('the budget is counted', async () => {
      const budget = (await scene.cluster.pdbs()).find(({ name }) => name === 'all');
      return budget?.observed && budget.currentHealthy === 2;
    });
    expect(await evict()).toBe(429);
    expect(await kubectl('-n', 'shop', 'delete', 'pdb', 'all')).toMatch(/^poddisruptionbudget\.policy "all" deleted/);
    expect(await evict()).toBe(201);
  });

  it('of a node takes it out of the list, with its lease and, after a while, its pods', async () => {
    const mine = async () => (await scene.cluster.pods('w-3')).length;
    await kubectl('-n', 'default', 'create', 'deployment', 'stays', '--image=registry.lab.test/x:1', '--replicas=6');
    await kubectl('-n', 'default', 'rollout', 'status', 'deployment/stays', '--timeout=40s');
    expect(await mine()).toBeGreaterThan(0);
    expect(await kubectl('delete', 'node', 'w-3')).toMatch(/^node "w-3" deleted/);
    expect(await kubectl('get', 'nodes', '-o', 'name')).toBe('node/cp-1\nnode/w-1\nnode/w-2\n');
    const again = await scene.tryKubectl('delete', 'node', 'w-3');
    expect(again).toMatchObject({ code: 1, stderr: 'Error from server (NotFound): nodes "w-3" not found\n' });
    await until('its lease and pods are gone', async () => {
      return (await scene.cluster.leaseRenewed('w-3')) === undefined && (await mine()) === 0;
    });
    await kubectl('-n', 'default', 'rollout', 'status', 'deployment/stays', '--timeout=40s');
  });
});
