import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { openClusters } from '../../src/adapters/kubernetes/open-clusters.ts';
import { shippedManifests } from '../../src/demo/lab-part.ts';
import { testGrant } from '../support/grant.ts';
import { type KubernetesScene, kubernetesScene, settled, until } from '../support/kubernetes-lab.ts';

let scene: KubernetesScene;
/** Of a token that lives ten minutes of the lab's time. */
let shortLived: string;

const rbac = '/apis/rbac.authorization.k8s.io/v1';
const accounts = '/api/v1/namespaces/default/serviceaccounts';
const post = (path: string, body: unknown, token?: string) =>
  scene.raw(path, { method: 'POST', body, ...(token === undefined ? {} : { token }) });

/** A service account of the namespace default, with a token. */
async function newAccount(name: string, expirationSeconds = 86_400): Promise<string> {
  await post(accounts, { metadata: { name } });
  const { status, body } = await post(`${accounts}/${name}/token`, { spec: { expirationSeconds } });
  expect(status).toBe(201);
  return String(body.status?.token);
}

/** Binds a role to such an account: in a namespace, or in the whole cluster. */
async function bind(account: string, role: { kind: string; name: string }, namespace?: string): Promise<void> {
  const plural = namespace === undefined ? 'clusterrolebindings' : `namespaces/${namespace}/rolebindings`;
  const { status } = await post(`${rbac}/${plural}`, {
    metadata: { name: `${account}-${role.name}` },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', ...role },
    subjects: [{ kind: 'ServiceAccount', name: account, namespace: 'default' }],
  });
  expect(status).toBe(201);
}

async function clusterRole(name: string, rules: object[]): Promise<{ kind: string; name: string }> {
  expect((await post(`${rbac}/clusterroles`, { metadata: { name }, rules })).status).toBe(201);
  return { kind: 'ClusterRole', name };
}

const isWrite = (verb: string) => !['get', 'list', 'watch'].includes(verb);

const tokenIn = (kubeconfig: string) =>
  (parse(kubeconfig) as { users: { user: { token: string } }[] }).users[0]?.user.token ?? '';

/** What the account is answered, and why. */
async function tried(token: string, path: string, method = 'GET'): Promise<[status: number, message: string]> {
  const bodies: Record<string, unknown> = { POST: {}, PATCH: {}, PUT: {} };
  const headers: Record<string, string> = method === 'PATCH' ? { 'content-type': 'application/merge-patch+json' } : {};
  const { status, body } = await scene.raw(path, { method, body: bodies[method], headers, token });
  return [status, body.message ?? ''];
}

beforeAll(async () => {
  scene = await kubernetesScene('127.61.0.20');
  await settled(scene);
  shortLived = await newAccount('short-lived', 600);
  // Right now: it lives for seconds here.
  expect((await tried(shortLived, '/api'))[0]).toBe(200);
});
afterAll(() => scene.close());

describe('the product as an administrator', () => {
  it('is something that no test closes in peace', async () => {
    const other = await kubernetesScene('127.140.200.1', { names: ['cp-1'] });
    const [shipped, admin] = [other.kubeconfigFile, other.adminKubeconfigFile].map(kubeconfigFile =>
      openClusters({ clusters: [{ name: 'lab', kubeconfigFile }] }),
    );
    await shipped?.of('lab').version();
    expect(other.lab.callers()).toContainEqual({
      userAgent: expect.stringMatching(/^groundskeeper\//),
      user: 'system:serviceaccount:groundskeeper:groundskeeper',
      isAdministrator: false,
    });
    await admin?.of('lab').version();
    await Promise.all([shipped?.close(), admin?.close()]);
    await expect(other.close()).rejects.toThrow(/the product asked as an administrator: .*kubernetes-admin/);
  });
});

describe('an account that is bound to the observer role alone', () => {
  const pod = { namespace: 'shop', name: 'orders-0' };

  async function opened() {
    await newAccount('looker');
    await bind('looker', { kind: 'ClusterRole', name: 'groundskeeper-observer' });
    await bind('looker', { kind: 'Role', name: 'groundskeeper-observer' }, 'kube-node-lease');
    const kubeconfigFile = join(scene.folder, 'looker');
    await writeFile(kubeconfigFile, scene.lab.kubeconfigOf({ namespace: 'default', name: 'looker' }));
    return openClusters({ clusters: [{ name: 'lab', kubeconfigFile }] });
  }

  it('reads everything that the adapter reads, and is refused each write', async () => {
    const clusters = await opened();
    const cluster = clusters.of('lab');
    expect(await cluster.nodes()).toHaveLength(4);
    expect((await cluster.pods('w-1')).length).toBeGreaterThan(0);
    expect((await cluster.pdbs()).length).toBeGreaterThan(1);
    expect((await cluster.daemonSets()).length).toBeGreaterThan(0);
    expect(await cluster.leaseRenewed('w-1')).toBeTruthy();
    expect(await cluster.version()).toMatch(/^v1\./);
    const uid = (await cluster.podUid(pod.namespace, pod.name)) ?? '';
    const { resourceVersion } = await cluster.node('w-1');
    const effects = scene.effects.since().length;
    const cordon = { name: 'w-1', resourceVersion, unschedulable: true, annotations: {} };
    await expect(cluster.patchNode(testGrant, cordon)).rejects.toMatchObject({ code: 'cluster_refused' });
    await expect(cluster.evict(testGrant, { ...pod, uid })).rejects.toMatchObject({ code: 'cluster_refused' });
    const tries = scene.effects.since(effects).map(({ method, path, status }) => [method, path, status]);
    expect(tries).toEqual([
      ['PATCH', '/api/v1/nodes/w-1', 403],
      ['POST', '/api/v1/namespaces/shop/pods/orders-0/eviction', 403],
    ]);
    expect((await cluster.node('w-1')).unschedulable).toBe(false);
    expect(await cluster.podUid(pod.namespace, pod.name)).toBe(uid);
    await clusters.close();
  });

  it('is told why in the words of the API', async () => {
    const token = tokenIn(scene.lab.kubeconfigOf({ namespace: 'default', name: 'looker' }));
    const who = 'User "system:serviceaccount:default:looker"';
    expect(await tried(token, '/api/v1/nodes/w-1', 'PATCH')).toEqual([
      403,
      `nodes "w-1" is forbidden: ${who} cannot patch resource "nodes" in API group "" at the cluster scope`,
    ]);
    expect(await tried(token, '/api/v1/namespaces/shop/pods/orders-0/eviction', 'POST')).toEqual([
      403,
      `pods "orders-0" is forbidden: ${who} cannot create resource "pods/eviction" in API group "" in the namespace "shop"`,
    ]);
    expect(await tried(token, '/apis/apps/v1/namespaces/shop/deployments', 'POST')).toEqual([
      403,
      `deployments.apps is forbidden: ${who} cannot create resource "deployments" in API group "apps" in the namespace "shop"`,
    ]);
    expect(await tried(token, '/metrics')).toEqual([403, `forbidden: ${who} cannot get path "/metrics"`]);
  });
});

describe('the account of the shipped manifests', () => {
  it('is given no wildcard, no secret, no way into a pod and no deleting of anything', async () => {
    type Document = { kind: string; rules?: Record<string, string[]>[] };
    const files = await Promise.all(shippedManifests.map(file => readFile(file, 'utf8')));
    const documents = files.flatMap(text => parseAllDocuments(text).map(document => document.toJS() as Document));
    const rules = documents.flatMap(document => document.rules ?? []);
    expect(rules.length).toBeGreaterThan(10);
    const words = new Set(rules.flatMap(rule => Object.values(rule).flat()));
    expect([...words].filter(word => word.includes('*'))).toEqual([]);
    const never = [
      'secrets',
      'pods/exec',
      'pods/attach',
      'pods/portforward',
      'nodes/proxy',
      'delete',
      'deletecollection',
    ];
    expect([...never, 'update', 'bind', 'escalate', 'impersonate'].filter(word => words.has(word))).toEqual([]);
    const writing = documents.filter(({ rules: own }) => own?.some(({ verbs = [] }) => verbs.some(isWrite)));
    expect(writing.map(({ kind }) => kind)).toEqual(['ClusterRole', 'Role']);
  });

  const refused: [string, string][] = [
    ['GET', '/api/v1/secrets'],
    ['GET', '/api/v1/namespaces/shop/secrets/any'],
    ['GET', '/api/v1/namespaces/shop/configmaps'],
    ['POST', '/api/v1/namespaces/shop/pods'],
    ['POST', '/api/v1/namespaces/shop/pods/orders-0/exec'],
    ['DELETE', '/api/v1/namespaces/shop/pods/orders-0'],
    ['DELETE', '/api/v1/namespaces/shop/pods'],
    ['PATCH', '/api/v1/namespaces/shop/pods/orders-0'],
    ['DELETE', '/api/v1/nodes/w-1'],
    ['PUT', '/api/v1/nodes/w-1'],
    ['POST', '/api/v1/nodes'],
    ['POST', '/api/v1/namespaces/shop/events'],
    ['PATCH', '/apis/apps/v1/namespaces/shop/deployments/web'],
    ['PATCH', '/apis/policy/v1/namespaces/shop/poddisruptionbudgets/web'],
    ['GET', '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases'],
    ['POST', '/api/v1/namespaces/groundskeeper/serviceaccounts/groundskeeper/token'],
    ['PATCH', `${rbac}/clusterroles/groundskeeper-operator`],
    ['GET', '/livez/ping'],
  ];

  it.each(refused)('may not %s %s', async (method, path) => {
    const effects = scene.effects.since().length;
    const [status, message] = await tried(tokenIn(scene.lab.kubeconfig), path, method);
    expect([status, message]).toEqual([
      403,
      expect.stringMatching(/^\S+( "[^"]+")? is forbidden: User|^forbidden: User/),
    ]);
    expect(scene.effects.since(effects).every(effect => effect.status === 403)).toBe(true);
  });

  it('cordons a node, tells a condition and an event, reads the health of etcd', async () => {
    const token = tokenIn(scene.lab.kubeconfig);
    expect((await tried(token, '/api/v1/nodes/w-2', 'PATCH'))[0]).toBe(200);
    expect((await tried(token, '/api/v1/nodes/w-2/status', 'PATCH'))[0]).toBe(200);
    expect(await tried(token, '/readyz/etcd')).toEqual([200, 'ok']);
    const event = { metadata: { name: 'told' }, involvedObject: { kind: 'Node', name: 'w-2' } };
    expect((await post('/api/v1/namespaces/default/events', event, token)).status).toBe(201);
  });

  it('asks about itself', async () => {
    const token = tokenIn(scene.lab.kubeconfig);
    const me = await post('/apis/authentication.k8s.io/v1/selfsubjectreviews', {}, token);
    expect(me.body.status?.userInfo).toMatchObject({
      username: 'system:serviceaccount:groundskeeper:groundskeeper',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:groundskeeper', 'system:authenticated'],
    });
    const may = async (resourceAttributes: object) =>
      (await post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { spec: { resourceAttributes } }, token))
        .body.status;
    expect(await may({ verb: 'create', resource: 'pods', subresource: 'eviction' })).toEqual({
      allowed: true,
      reason:
        'RBAC: allowed by ClusterRoleBinding "groundskeeper-operator" of ClusterRole "groundskeeper-operator" to ServiceAccount "groundskeeper/groundskeeper"',
    });
    expect(await may({ verb: 'delete', resource: 'pods' })).toMatchObject({ allowed: false });
    expect(await may({ verb: 'create', resource: 'events', namespace: 'default' })).toMatchObject({ allowed: true });
    expect(await may({ verb: 'create', resource: 'events', namespace: 'shop' })).toMatchObject({ allowed: false });
  });
});

describe('rules', () => {
  it('may name single objects, and then no list of all', async () => {
    const token = await newAccount('narrow');
    const role = await clusterRole('narrow', [
      { apiGroups: [''], resources: ['nodes'], resourceNames: ['w-1'], verbs: ['get', 'list', 'watch'] },
    ]);
    await bind('narrow', role);
    expect((await tried(token, '/api/v1/nodes/w-1'))[0]).toBe(200);
    expect((await tried(token, '/api/v1/nodes/w-2'))[0]).toBe(403);
    expect((await tried(token, '/api/v1/nodes'))[0]).toBe(403);
    expect((await tried(token, '/api/v1/nodes?fieldSelector=metadata.name%3Dw-1'))[0]).toBe(200);
  });

  it('of a cluster role count in one namespace when they are bound there', async () => {
    const token = await newAccount('tenant');
    const role = await clusterRole('tenant', [{ apiGroups: ['*'], resources: ['pods', '*/status'], verbs: ['*'] }]);
    await bind('tenant', role, 'shop');
    expect((await tried(token, '/api/v1/namespaces/shop/pods'))[0]).toBe(200);
    expect((await tried(token, '/apis/apps/v1/namespaces/shop/deployments/web/status', 'PATCH'))[0]).toBe(200);
    expect((await tried(token, '/apis/apps/v1/namespaces/shop/deployments/web'))[0]).toBe(403);
    expect((await tried(token, '/api/v1/namespaces/media/pods'))[0]).toBe(403);
    expect((await tried(token, '/api/v1/pods'))[0]).toBe(403);
  });

  it('of paths may end in a star', async () => {
    const token = await newAccount('prober');
    await bind('prober', await clusterRole('prober', [{ nonResourceURLs: ['/livez/*'], verbs: ['get'] }]));
    expect(await tried(token, '/livez/etcd')).toEqual([200, 'ok']);
    expect((await tried(token, '/readyz/etcd'))[0]).toBe(403);
    const [, report] = await tried(token, '/readyz?verbose');
    expect(report.split('\n')).toEqual(expect.arrayContaining(['[+]ping ok', '[+]etcd ok', 'readyz check passed']));
  });

  it('come and go with their binding, and a binding to no role says so', async () => {
    const token = await newAccount('lost');
    await bind('lost', { kind: 'ClusterRole', name: 'nowhere' });
    expect((await tried(token, '/api/v1/pods'))[1]).toContain(
      'RBAC: clusterrole.rbac.authorization.k8s.io "nowhere" not found',
    );
    await clusterRole('nowhere', [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }]);
    expect((await tried(token, '/api/v1/pods'))[0]).toBe(200);
    await scene.raw(`${rbac}/clusterrolebindings/lost-nowhere`, { method: 'DELETE' });
    expect((await tried(token, '/api/v1/pods'))[0]).toBe(403);
  });
});

describe('tokens', () => {
  it('of less than ten minutes are not made, nor those of nobody', async () => {
    expect(await post(`${accounts}/short-lived/token`, { spec: { expirationSeconds: 60 } })).toMatchObject({
      status: 422,
      body: { reason: 'Invalid' },
    });
    expect((await post(`${accounts}/nobody/token`, {})).status).toBe(404);
  });

  it('end with their account, even when another of the name is made', async () => {
    const token = await newAccount('passing');
    expect((await tried(token, '/api'))[0]).toBe(200);
    await scene.raw(`${accounts}/passing`, { method: 'DELETE' });
    expect((await tried(token, '/api'))[0]).toBe(401);
    await newAccount('passing');
    expect((await tried(token, '/api'))[0]).toBe(401);
  });

  it('that somebody changed are nobody', async () => {
    const [head, body = '', signature] = (await newAccount('honest')).split('.');
    const claims = Buffer.from(body, 'base64url').toString().replaceAll('honest', 'system');
    const forged = [head, Buffer.from(claims).toString('base64url'), signature].join('.');
    expect((await tried(forged, '/api'))[0]).toBe(401);
  });

  it('end after their time', async () => {
    await until('the token has ended', async () => (await tried(shortLived, '/api'))[0] === 401);
  });
});
