import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { openClusters } from '../../src/adapters/kubernetes/open-clusters.ts';
import type { Cluster } from '../../src/core/cluster.ts';
import { makeCertificate } from '../../src/lab/certificate.ts';
import { testGrant } from '../support/grant.ts';
import { atItsVersion, type KubernetesScene, kubernetesScene, settled, until } from '../support/kubernetes-lab.ts';
import { sentRequests } from '../support/sent-requests.ts';

const account = { namespace: 'groundskeeper', name: 'groundskeeper' };
const sent = sentRequests();
const opened: { close(): Promise<void> }[] = [];
let scene: KubernetesScene;

beforeAll(async () => {
  scene = await kubernetesScene('127.61.0.51');
  await settled(scene);
});
afterEach(async () => {
  scene.lab.faults.clear();
  vi.unstubAllEnvs();
  for (const each of opened.splice(0)) await each.close();
});
afterAll(async () => {
  await scene.close();
  sent.stop();
});

type Access = Parameters<typeof openClusters>[0]['clusters'][number];

function open(access: object, timeoutMs = 5000): Cluster {
  const clusters = openClusters({ clusters: [{ name: 'lab', ...access } as Access], timeoutMs });
  opened.push(clusters);
  return clusters.of('lab');
}

/** A token that the API server takes. */
function newToken(): string {
  const { users } = parse(scene.lab.kubeconfigOf(account));
  return users[0].user.token;
}

let files = 0;

/** A kubeconfig for the lab whose user is this one. */
async function kubeconfig(user: object, server = scene.lab.url, cert?: string): Promise<string> {
  const document = parse(scene.lab.kubeconfig);
  document.users[0].user = user;
  document.clusters[0].cluster.server = server;
  if (cert !== undefined) {
    document.clusters[0].cluster['certificate-authority-data'] = Buffer.from(cert).toString('base64');
  }
  const file = join(scene.folder, `kubeconfig-${files++}`);
  await writeFile(file, stringify(document));
  return file;
}

/** An exec plugin made of shell; `runs` counts how often it was started. */
async function plugin(script: string): Promise<{ exec: object; runs(): Promise<number> }> {
  const name = `plugin-${files++}`;
  const count = join(scene.folder, `${name}.runs`);
  await writeFile(count, '');
  await writeFile(join(scene.folder, name), `#!/bin/sh\necho >> ${count}\n${script}\n`);
  await chmod(join(scene.folder, name), 0o755);
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: `./${name}`, interactiveMode: 'Never' };
  return { exec, runs: async () => (await readFile(count, 'utf8')).length };
}

const credential = (status: object) =>
  JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status });

const failureOf = (asking: Promise<unknown>) =>
  asking.then(
    () => expect.fail('it was answered'),
    error => error,
  );

describe('credentials from an exec plugin', () => {
  it('are asked for once, also by many requests at once, and kept until they expire', async () => {
    const later = new Date(Date.now() + 3_600_000).toISOString();
    const { exec, runs } = await plugin(`echo '${credential({ token: newToken(), expirationTimestamp: later })}'`);
    const cluster = open({ kubeconfigFile: await kubeconfig({ exec }) });
    await Promise.all([cluster.nodes(), cluster.version(), cluster.pods(), cluster.pdbs()]);
    expect(await cluster.nodes()).toHaveLength(4);
    expect(await runs()).toBe(1);
  });

  it('are asked for again once they expired', async () => {
    const past = new Date(Date.now() - 1000).toISOString();
    const { exec, runs } = await plugin(`echo '${credential({ token: newToken(), expirationTimestamp: past })}'`);
    const cluster = open({ kubeconfigFile: await kubeconfig({ exec }) });
    await cluster.version();
    await cluster.version();
    expect(await runs()).toBe(2);
  });

  it('are asked for once more when the API server refuses them, and not for ever', async () => {
    const renewed = join(scene.folder, 'renewed');
    const good = credential({ token: newToken() });
    const { exec, runs } = await plugin(
      `if [ -e ${renewed} ]; then echo '${good}'; else touch ${renewed}; echo '${credential({ token: 'stale' })}'; fi`,
    );
    const cluster = open({ kubeconfigFile: await kubeconfig({ exec }) });
    expect(await cluster.nodes()).toHaveLength(4);
    expect(await runs()).toBe(2);
    const refused = await plugin(`echo '${credential({ token: 'never-good' })}'`);
    const stranger = open({ kubeconfigFile: await kubeconfig({ exec: refused.exec }) });
    for (let i = 0; i < 3; i++) await expect(stranger.nodes()).rejects.toMatchObject({ code: 'cluster_refused' });
    expect(await refused.runs()).toBe(2);
  });

  it('reach the plugin with the environment and the information that it asks for', async () => {
    const { exec } = await plugin(
      `case "$KUBERNETES_EXEC_INFO" in *ExecCredential*) ;; *) exit 3;; esac\n[ "$EXTRA" = yes ] || exit 4\n[ "$1" = get ] || exit 5\n` +
        `echo '${credential({ token: newToken() })}'`,
    );
    const entry = { ...exec, args: ['get'], env: [{ name: 'EXTRA', value: 'yes' }] };
    expect(await open({ kubeconfigFile: await kubeconfig({ exec: entry }) }).version()).toMatch(/^v1\./);
  });

  it('tell the plugin which API server it is asked for, where its entry says so, and else do not', async () => {
    const { exec } = await plugin(
      `case "$KUBERNETES_EXEC_INFO" in *'"server":"${scene.lab.url}"'*certificate-authority-data*) ;; *) exit 3;; esac\n` +
        `echo '${credential({ token: newToken() })}'`,
    );
    const told = await kubeconfig({ exec: { ...exec, provideClusterInfo: true } });
    expect(await open({ kubeconfigFile: told }).version()).toMatch(/^v1\./);
    const untold = open({ kubeconfigFile: await kubeconfig({ exec }) });
    await expect(untold.version()).rejects.toThrow(/exit code 3/);
  });

  it.each([
    ['fails', `echo 'token=s3cr3t-on-stderr' >&2; echo s3cr3t-on-stdout; exit 7`, /exit code 7/],
    ['prints something else', `echo 's3cr3t-on-stdout is not JSON'; echo s3cr3t-on-stderr >&2`, /ExecCredential/],
    ['gives nothing', `echo '${credential({})}'; echo s3cr3t-on-stderr >&2`, /no credential/],
    ['hangs', `echo s3cr3t-on-stderr >&2; exec sleep 30`, /in time/],
  ])('that %s end in a clear failure which shows nothing of what it printed', async (what, script, reason) => {
    const { exec } = await plugin(script);
    const cluster = open({ kubeconfigFile: await kubeconfig({ exec }) }, what === 'hangs' ? 700 : 30_000);
    const error = await failureOf(cluster.nodes());
    expect(error).toMatchObject({
      code: 'cluster_unreachable',
      retry: 'later',
      message: expect.stringMatching(reason),
    });
    expect(inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error)).not.toContain('s3cr3t-on');
    const lost = await failureOf(cluster.evict(testGrant, { namespace: 'shop', name: 'x', uid: 'y' }));
    expect(lost).toMatchObject({ code: 'cluster_unreachable' });
    const unseen = await failureOf(cluster.view());
    expect(unseen.code).toMatch(/^cluster_unreachable$/);
  });

  it('say which plugin is not installed', async () => {
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'no-such-plugin' };
    const error = await failureOf(open({ kubeconfigFile: await kubeconfig({ exec }) }).version());
    expect(error).toMatchObject({ code: 'cluster_unreachable', message: expect.stringContaining('no-such-plugin') });
  });
});

describe('credentials that rotate', () => {
  afterAll(() => writeFile(scene.kubeconfigFile, scene.lab.kubeconfigOf(account)));

  it('in a token file: the next request after the old ones were revoked uses the new one, and the view goes on', async () => {
    const tokenFile = join(scene.folder, 'token');
    await writeFile(tokenFile, `${newToken()}\n`);
    const cluster = open({ kubeconfigFile: await kubeconfig({ tokenFile: 'token' }) });
    await cluster.nodes();
    await cluster.view();
    revokeTokens();
    await expect(cluster.nodes()).rejects.toMatchObject({ code: 'cluster_refused' });
    await writeFile(tokenFile, newToken());
    expect(await cluster.nodes()).toHaveLength(4);
    scene.lab.cutWatches();
    scene.lab.store.update('nodes', { name: 'w-1' }, draft => {
      draft.metadata.labels = { ...draft.metadata.labels, rotated: 'yes' };
    });
    await until('the view follows with the new token', async () =>
      (await cluster.view()).nodes.some(({ labels }) => labels.rotated === 'yes'),
    );
  });

  it('in the kubeconfig itself', async () => {
    const file = await kubeconfig({ token: newToken() });
    const cluster = open({ kubeconfigFile: file });
    await cluster.nodes();
    revokeTokens();
    await expect(cluster.nodes()).rejects.toMatchObject({ code: 'cluster_refused' });
    await writeFile(file, await readFile(await kubeconfig({ token: newToken() })));
    const annotations = { rotated: 'yes' };
    const patched = await atItsVersion({ cluster }, 'w-3', resourceVersion =>
      cluster.patchNode(testGrant, { name: 'w-3', resourceVersion, annotations }),
    );
    expect(patched.annotations.rotated).toBe('yes');
  });

  /** Tokens are bound to their account's uid. */
  function revokeTokens() {
    const current = scene.lab.store.get('serviceaccounts', account);
    scene.lab.store.remove('serviceaccounts', account);
    scene.lab.store.create('serviceaccounts', { metadata: { ...account, labels: current?.metadata.labels ?? {} } });
  }
});

describe('in a Pod of the cluster', () => {
  const host = () => new URL(scene.lab.url);

  async function mounted(token: string): Promise<string> {
    const root = join(scene.folder, `root-${files++}`);
    const folder = join(root, 'var/run/secrets/kubernetes.io/serviceaccount');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'token'), `${token}\n`);
    await writeFile(join(folder, 'namespace'), account.namespace);
    const { clusters } = parse(scene.lab.kubeconfig);
    await writeFile(join(folder, 'ca.crt'), Buffer.from(clusters[0].cluster['certificate-authority-data'], 'base64'));
    return root;
  }

  it('the service account is used, and its token read again when it was rotated', async () => {
    vi.stubEnv('KUBERNETES_SERVICE_HOST', host().hostname);
    vi.stubEnv('KUBERNETES_SERVICE_PORT', host().port);
    const root = await mounted('not-yet');
    const cluster = open({ inCluster: true, root });
    await expect(cluster.nodes()).rejects.toMatchObject({ code: 'cluster_refused' });
    await writeFile(join(root, 'var/run/secrets/kubernetes.io/serviceaccount/token'), newToken());
    expect(await cluster.nodes()).toHaveLength(4);
    expect((await cluster.view()).nodes).toHaveLength(4);
  });

  it('a missing token is named', async () => {
    vi.stubEnv('KUBERNETES_SERVICE_HOST', host().hostname);
    vi.stubEnv('KUBERNETES_SERVICE_PORT', host().port);
    const error = await failureOf(open({ inCluster: true, root: scene.folder }).version());
    expect(error).toMatchObject({ code: 'cluster_unreachable' });
    expect(error.message).toContain('serviceaccount');
  });

  it('and elsewhere it is refused', async () => {
    vi.stubEnv('KUBERNETES_SERVICE_HOST', undefined);
    const error = await failureOf(open({ inCluster: true }).version());
    expect(error).toMatchObject({ code: 'invalid_config', message: expect.stringContaining('does not run in a Pod') });
  });
});

describe('a busy API server', () => {
  const busy = { kind: 'answer', status: 429 } as const;
  beforeEach(() => settled(scene));

  it('is asked again after the time it names, for reads and for writes, and a write is carried out once', async () => {
    const seen = scene.effects.since().length;
    scene.lab.faults.set({ ...busy, method: 'PATCH', times: 2, retryAfterSeconds: 1 });
    scene.lab.faults.set({ ...busy, method: 'GET', times: 1 });
    const started = Date.now();
    const change = { type: 'Busy', status: 'False', reason: 'Test', message: 'none' } as const;
    await scene.cluster.setNodeCondition(testGrant, 'w-1', change);
    expect(Date.now() - started).toBeGreaterThanOrEqual(2000);
    expect(scene.effects.since(seen).map(({ status }) => status)).toEqual([429, 429, 200]);
    const { conditions } = await scene.cluster.node('w-1');
    expect(conditions.find(({ type }) => type === 'Busy')).toMatchObject(change);
  });

  it('is given up on after a few tries: nothing was done, and later it may pass', async () => {
    const { resourceVersion } = await scene.cluster.node('w-1');
    const seen = scene.effects.since().length;
    scene.lab.faults.set({ ...busy, times: 100 });
    const patch = { name: 'w-1', resourceVersion, annotations: {} };
    const pod = { namespace: 'shop', name: 'orders-0', uid: 'any' };
    const later = { code: 'cluster_unreachable', retry: 'later' };
    const asked = [
      scene.cluster.patchNode(testGrant, patch),
      scene.cluster.evict(testGrant, pod),
      scene.cluster.version(),
    ];
    for (const error of await Promise.all(asked.map(failureOf))) expect(error).toMatchObject(later);
    const writes = scene.effects.since(seen);
    expect(writes.filter(({ method }) => method === 'PATCH')).toHaveLength(5);
    expect(writes.filter(({ method }) => method === 'POST')).toHaveLength(5);
    expect(writes.every(({ status }) => status === 429)).toBe(true);
  });

  it('is told apart from a disruption budget, which is asked once and answers for itself', async () => {
    const pods = (await scene.cluster.pods()).filter(({ labels, ready }) => labels.app === 'web' && ready);
    scene.lab.controllers.pause();
    const pdb = { namespace: 'shop', name: 'web' };
    scene.lab.store.update('poddisruptionbudgets', pdb, draft => {
      draft.status.disruptionsAllowed = 0;
    });
    const seen = scene.effects.since().length;
    const [pod] = pods;
    if (pod === undefined) throw new Error('no pod to evict');
    expect(await scene.cluster.evict(testGrant, pod)).toMatchObject({ outcome: 'blocked' });
    expect(scene.effects.since(seen).map(({ status }) => status)).toEqual([429]);
    scene.lab.controllers.resume();
  });

  it('whose time ran out leaves a write ambiguous, and a read to be asked again', async () => {
    const { resourceVersion } = await scene.cluster.node('w-2');
    scene.lab.faults.set({ kind: 'answer', status: 504, method: 'PATCH' });
    const patch = { name: 'w-2', resourceVersion, annotations: {} };
    await expect(scene.cluster.patchNode(testGrant, patch)).rejects.toMatchObject({ code: 'ambiguous' });
    scene.lab.faults.set({ kind: 'answer', status: 504, method: 'GET' });
    expect(await scene.cluster.nodes()).toHaveLength(4);
  });
});

describe('connections', () => {
  it('come back by themselves after the API server restarted', async () => {
    await scene.cluster.nodes();
    const restarting = scene.lab.restart(250_000);
    await expect(scene.cluster.nodes()).rejects.toMatchObject({ code: 'cluster_unreachable', retry: 'later' });
    await restarting;
    expect(await scene.cluster.nodes()).toHaveLength(4);
    const annotations = { after: 'restart' };
    const patched = await atItsVersion(scene, 'w-2', resourceVersion =>
      scene.cluster.patchNode(testGrant, { name: 'w-2', resourceVersion, annotations }),
    );
    expect(patched.annotations.after).toBe('restart');
  });

  it('for watches are not those for requests: requests that hang leave the view alone', async () => {
    const cluster = open({ kubeconfigFile: scene.kubeconfigFile }, 3000);
    await cluster.view();
    scene.lab.faults.set({ kind: 'slow', ms: 2000 });
    const slow = Array.from({ length: 12 }, () => cluster.leaseRenewed('w-1').catch(() => undefined));
    scene.lab.store.update('nodes', { name: 'w-3' }, draft => {
      draft.metadata.labels = { ...draft.metadata.labels, seen: 'yes' };
    });
    const started = Date.now();
    await until('the view follows', async () =>
      (await cluster.view()).nodes.some(({ labels }) => labels.seen === 'yes'),
    );
    expect(Date.now() - started).toBeLessThan(1500);
    await Promise.all(slow);
  });
});

describe('before a server of our own', () => {
  const certificate = makeCertificate({ commonName: 'own', altNames: ['127.61.0.52'] });
  const clients = [1, 2].map(index => makeCertificate({ commonName: `client-${index}`, altNames: [] }));
  const seen: string[] = [];
  let connections = 0;
  let most = 0;
  const server = createServer({ ...certificate, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    seen.push(String((request.socket as TLSSocket).getPeerCertificate().subject?.CN));
    const body = { kind: 'Status', reason: 'NotFound' };
    const answer = () => response.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    setTimeout(answer, 20);
  });
  let url = '';

  beforeAll(async () => {
    server.on('connection', socket => {
      most = Math.max(most, ++connections);
      socket.on('close', () => connections--);
    });
    await new Promise<void>(resolve => server.listen(0, '127.61.0.52', resolve));
    url = `https://127.61.0.52:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.close();
    server.closeAllConnections();
  });

  it('never more than eight connections carry requests', async () => {
    const cluster = open({ kubeconfigFile: await kubeconfig({ token: 't' }, url, certificate.cert) });
    await Promise.all(Array.from({ length: 60 }, () => cluster.leaseRenewed('w-1')));
    expect(seen).toHaveLength(60);
    expect(most).toBe(8);
  });

  it('a client certificate is shown, from the kubeconfig and from a file that is replaced', async () => {
    const [first, second] = clients;
    if (first === undefined || second === undefined) throw new Error('no certificates');
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const inline = { 'client-certificate-data': base64(first.cert), 'client-key-data': base64(first.key) };
    await open({ kubeconfigFile: await kubeconfig(inline, url, certificate.cert) }).leaseRenewed('w-1');
    expect(seen.at(-1)).toBe('client-1');
    const [cert, key] = [join(scene.folder, 'client.crt'), join(scene.folder, 'client.key')];
    await writeFile(cert, first.cert);
    await writeFile(key, first.key);
    const paths = { 'client-certificate': cert, 'client-key': key };
    const cluster = open({ kubeconfigFile: await kubeconfig(paths, url, certificate.cert) });
    await cluster.leaseRenewed('w-1');
    expect(seen.at(-1)).toBe('client-1');
    await writeFile(cert, second.cert);
    await writeFile(key, second.key);
    await cluster.leaseRenewed('w-1');
    expect(seen.at(-1)).toBe('client-2');
  });

  it('a client certificate of an exec plugin is shown', async () => {
    const [first] = clients;
    const status = { clientCertificateData: first?.cert, clientKeyData: first?.key };
    const document = join(scene.folder, 'certificate.json');
    await writeFile(document, credential(status));
    const { exec } = await plugin(`cat ${document}`);
    await open({ kubeconfigFile: await kubeconfig({ exec }, url, certificate.cert) }).leaseRenewed('w-1');
    expect(seen.at(-1)).toBe('client-1');
  });
});
