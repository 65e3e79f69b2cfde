import { execFileSync, spawnSync } from 'node:child_process';
import { createHmac, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KubernetesScene, kubernetesScene, settled, until } from '../support/kubernetes-lab.ts';

let scene: KubernetesScene;
const requests = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const secrets = '/api/v1/namespaces/kube-system/secrets';
const nodeSigner = 'kubernetes.io/kube-apiserver-client-kubelet';
const joining = 'system:bootstrappers:kubeadm:default-node-token';
const bearer = 'abcdef.0123456789abcdef';

beforeAll(async () => {
  scene = await kubernetesScene('127.61.0.34');
  await settled(scene);
});
afterAll(() => scene.close());

type Condition = { type: string; reason?: string; message?: string };

const post = (path: string, body: unknown, token?: string) =>
  scene.raw(path, { method: 'POST', body, ...(token === undefined ? {} : { token }) });

async function makeToken(id: string, secret: string, data: Record<string, string> = {}): Promise<void> {
  const plain = {
    'token-id': id,
    'token-secret': secret,
    'usage-bootstrap-authentication': 'true',
    'usage-bootstrap-signing': 'true',
    'auth-extra-groups': joining,
    ...data,
  };
  const encoded = Object.entries(plain).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  const metadata = { name: `bootstrap-token-${id}` };
  const type = 'bootstrap.kubernetes.io/token';
  const { status } = await post(secrets, { metadata, type, data: Object.fromEntries(encoded) });
  expect(status).toBe(201);
}

/** A request as `openssl req` makes it: of another maker than what reads it. */
function openssl(subject: string, ...more: string[]): string {
  const args = [
    'req',
    '-new',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    '/dev/null',
  ];
  return execFileSync('openssl', [...args, '-subj', subject, ...more], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

const usages = ['digital signature', 'client auth'];

async function ask(name: string, pem: string, { signerName = nodeSigner, token = bearer, wanted = usages } = {}) {
  const spec = { request: Buffer.from(pem).toString('base64'), signerName, usages: wanted, username: 'system:admin' };
  return post(requests, { metadata: { name }, spec }, token);
}

async function approve(name: string): Promise<void> {
  const { body } = await scene.raw(`${requests}/${name}`);
  const condition = { type: 'Approved', status: 'True', reason: 'ByTest', message: 'checked' };
  const approved = { ...body, status: { ...body.status, conditions: [condition] } };
  const { status } = await scene.raw(`${requests}/${name}/approval`, { method: 'PUT', body: approved });
  expect(status).toBe(200);
}

const conditionsOf = async (name: string) =>
  ((await scene.raw(`${requests}/${name}`)).body.status?.conditions ?? []) as Condition[];

const certificateOf = (name: string) =>
  until(
    `${name} is signed`,
    async () => (await scene.raw(`${requests}/${name}`)).body.status?.certificate as string | undefined,
  );

describe('a bootstrap token', () => {
  it('lets a machine ask for a certificate and hardly anything else', async () => {
    expect((await scene.raw(requests, { token: bearer })).status).toBe(401);
    await makeToken('abcdef', '0123456789abcdef');
    expect((await scene.raw(requests, { token: bearer })).status).toBe(200);
    const refused = await scene.raw('/api/v1/pods', { token: bearer });
    expect(refused).toMatchObject({
      status: 403,
      body: { message: expect.stringContaining('"system:bootstrap:abcdef"') },
    });
    expect((await scene.raw(requests, { token: 'abcdef.0000000000000000' })).status).toBe(401);
  });

  it('signs cluster-info, which anyone may read', async () => {
    const signed = await until('it is signed', async () => {
      const { body } = await scene.raw('/api/v1/namespaces/kube-public/configmaps/cluster-info', { token: undefined });
      return body.data?.['jws-kubeconfig-abcdef'] === undefined ? undefined : body.data;
    });
    const [head = '', empty, signature] = signed['jws-kubeconfig-abcdef']?.split('.') ?? [];
    expect(empty).toBe('');
    expect(JSON.parse(Buffer.from(head, 'base64url').toString())).toEqual({ alg: 'HS256', kid: 'abcdef' });
    const content = Buffer.from(signed.kubeconfig ?? '').toString('base64url');
    expect(createHmac('sha256', '0123456789abcdef').update(`${head}.${content}`).digest('base64url')).toBe(signature);
    expect(signed.kubeconfig).toContain(scene.lab.url);
  });

  it('is refused once it has expired, and cleaned away with its signature', async () => {
    await makeToken('zzzzzz', 'zzzzzzzzzzzzzzzz', { expiration: new Date(Date.now() + 1000).toISOString() });
    const old = 'zzzzzz.zzzzzzzzzzzzzzzz';
    expect((await scene.raw(requests, { token: old })).status).toBe(200);
    await until(
      'the Secret is gone',
      async () => (await scene.raw(`${secrets}/bootstrap-token-zzzzzz`)).status === 404,
    );
    expect((await scene.raw(requests, { token: old })).status).toBe(401);
    await until('the signature is gone', async () => {
      const { data = {} } = (await scene.raw('/api/v1/namespaces/kube-public/configmaps/cluster-info')).body;
      return data['jws-kubeconfig-zzzzzz'] === undefined && data['jws-kubeconfig-abcdef'] !== undefined;
    });
  });
});

const opensslThere = spawnSync('openssl', ['version']).status === 0;
const requestTitle = `the certificate request of a node${opensslThere ? '' : ' (skipped: no openssl in PATH)'}`;

describe.skipIf(!opensslThere)(requestTitle, () => {
  it('says who really asked, waits for approval, and is then signed by the cluster', async () => {
    const { status, body } = await ask('node-csr-1', openssl('/O=system:nodes/CN=system:node:w-9'));
    expect(status).toBe(201);
    expect(body.spec).toMatchObject({ username: 'system:bootstrap:abcdef', groups: expect.arrayContaining([joining]) });
    expect((await scene.raw(`${requests}/node-csr-1`)).body.status?.certificate).toBeUndefined();
    await approve('node-csr-1');
    const certificate = new X509Certificate(Buffer.from(await certificateOf('node-csr-1'), 'base64'));
    expect(certificate.subject.split('\n')).toEqual(['O=system:nodes', 'CN=system:node:w-9']);
    const authority = new X509Certificate(scene.lab.controlPlane.clientAuthority);
    expect(certificate.verify(authority.publicKey)).toBe(true);
    expect(certificate.checkIssued(authority)).toBe(true);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(Date.parse(certificate.validTo)).toBeGreaterThan(Date.now() + 300 * 86_400_000);
  });

  it.each([
    ['another organization', '/O=system:masters/CN=system:node:w-9', [], 'organization in subject is not system:nodes'],
    ['another name', '/O=system:nodes/CN=admin', [], 'subject common name does not begin with system:node:'],
    [
      'host names',
      '/O=system:nodes/CN=system:node:w-9',
      ['-addext', 'subjectAltName=DNS:w-9'],
      'DNS, IP, email and URI',
    ],
  ])('for %s fails although it was approved', async (what, subject, more, message) => {
    const name = `bad-${what.replaceAll(' ', '-')}`;
    await ask(name, openssl(subject, ...more));
    await approve(name);
    const failed = await until('it failed', async () =>
      (await conditionsOf(name)).find(({ type }) => type === 'Failed'),
    );
    expect(failed).toMatchObject({ reason: 'SignerValidationFailure', message: expect.stringContaining(message) });
    expect((await scene.raw(`${requests}/${name}`)).body.status?.certificate).toBeUndefined();
  });

  it('whose signature is not that of its key fails', async () => {
    const der = Buffer.from(openssl('/O=system:nodes/CN=system:node:w-9').replace(/-----[^-]+-----|\s/g, ''), 'base64');
    const at = der.indexOf('system:node:w-9');
    der.write('system:node:w-1', at);
    const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
    await ask('forged', forged);
    await approve('forged');
    await until('it failed', async () => (await conditionsOf('forged')).some(({ type }) => type === 'Failed'));
  });

  it('is approved by the cluster itself only where a binding says so, and never for serving', async () => {
    const subject = '/O=system:nodes/CN=system:node:w-8';
    const serving = 'kubernetes.io/kubelet-serving';
    await ask('by-itself', openssl(subject));
    await ask('serving', openssl(subject, '-addext', 'subjectAltName=DNS:w-8'), { signerName: serving });
    expect(await conditionsOf('by-itself')).toEqual([]);
    const role = 'system:certificates.k8s.io:certificatesigningrequests:nodeclient';
    await post('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
      metadata: { name: 'kubeadm:node-autoapprove-bootstrap' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: joining }],
    });
    await certificateOf('by-itself');
    expect((await conditionsOf('by-itself'))[0]).toMatchObject({ type: 'Approved', reason: 'AutoApproved' });
    await approve('serving');
    await ask('after', openssl(subject));
    await certificateOf('after');
    expect((await scene.raw(`${requests}/serving`)).body.status?.certificate).toBeUndefined();
  });
});
