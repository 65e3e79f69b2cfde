/**
 * CertificateSigningRequests: stamped with who asked, approved by whoever may
 * (or for joining nodes by the cluster itself, where its roles say so), and
 * signed by the cluster's authority.
 */
import { type CertificateAuthority, type CertificateRequest, readRequest } from '../model/certificate-authority.ts';
import { conditionOf, type KubeObject, type StatusCondition, setCondition } from '../model/objects.ts';
import type { Store } from '../model/store.ts';
import type { ControllerContext, KeyedController } from './controller-loop.ts';

const nodeClientSigner = 'kubernetes.io/kube-apiserver-client-kubelet';
const clientSigner = 'kubernetes.io/kube-apiserver-client';
const nodeClientRole = 'system:certificates.k8s.io:certificatesigningrequests:nodeclient';
const nodeUser = 'system:node:';
/** What the request of a node agent may ask for; the second is for RSA keys. */
const usages = [
  ['client auth', 'digital signature'],
  ['client auth', 'digital signature', 'key encipherment'],
];
const yearSeconds = 31_536_000;
/** Real milliseconds for which a request is kept: as long as the cluster's cleaner keeps pending ones. */
const keptMs = 86_400_000;

export type SigningRequest = KubeObject & {
  spec: {
    request: string;
    signerName: string;
    usages?: string[];
    expirationSeconds?: number;
    username?: string;
    groups?: string[];
  };
  status: { certificate?: string; conditions?: StatusCondition[] };
};

/** A new request as it is stored: who asked is what the API server knows, whatever the body says. */
export function withRequester(body: unknown, user: { name: string; uid?: string; groups: string[] }): unknown {
  if (typeof body !== 'object' || body === null) return body;
  const { spec } = body as { spec?: object };
  const asker = { username: user.name, groups: user.groups, ...(user.uid === undefined ? {} : { uid: user.uid }) };
  return { ...body, spec: { ...spec, ...asker } };
}

export function certificateSigning(context: ControllerContext, authority: CertificateAuthority): KeyedController {
  const { store, clock } = context;
  return {
    name: 'certificate-signing',
    concerns: {
      certificatesigningrequests: ({ object }) => [object.metadata.name],
      clusterrolebindings: () => store.list('certificatesigningrequests').map(({ metadata }) => metadata.name),
    },
    keys: () => store.list('certificatesigningrequests').map(({ metadata }) => metadata.name),
    reconcile: (name, again) => {
      const request = store.get('certificatesigningrequests', { name }) as SigningRequest | undefined;
      if (request === undefined) return;
      const age = (store.nowMs() - Date.parse(request.metadata.creationTimestamp)) * clock.speed;
      if (age >= keptMs) return void store.remove('certificatesigningrequests', { name });
      again(keptMs - age);
      handle(store, request, authority);
    },
  };
}

function handle(store: Store, request: SigningRequest, authority: CertificateAuthority): void {
  const { status, spec } = request;
  const has = (type: string) => conditionOf({ status }, type)?.status === 'True';
  if (status.certificate !== undefined || has('Denied') || has('Failed')) return;
  if (!has('Approved')) return void approveNode(store, request);
  if (spec.signerName !== nodeClientSigner && spec.signerName !== clientSigner) return;
  const read = readOrRefuse(spec);
  const refused = typeof read === 'string' ? read : refusalOf(spec, read);
  if (typeof read === 'string' || refused !== undefined) {
    return void mark(store, request, { type: 'Failed', reason: 'SignerValidationFailure', message: refused ?? '' });
  }
  const seconds = Math.max(600, spec.expirationSeconds ?? yearSeconds);
  const certificate = authority.signClient(read, Date.now() + seconds * 1000);
  store.update('certificatesigningrequests', request.metadata, draft => {
    (draft as SigningRequest).status.certificate = Buffer.from(certificate).toString('base64');
  });
}

function readOrRefuse({ request }: SigningRequest['spec']): CertificateRequest | string {
  try {
    return readRequest(Buffer.from(request, 'base64').toString('utf8'));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Why the signer does not sign this for a node's agent, undefined when it does. */
function refusalOf(
  { signerName, usages: wanted = [] }: SigningRequest['spec'],
  asked: CertificateRequest,
): string | undefined {
  if (signerName !== nodeClientSigner) return undefined;
  const organization = asked.organizations.length === 1 && asked.organizations[0] === 'system:nodes';
  if (!organization) return 'organization in subject is not system:nodes';
  if (!asked.commonName.startsWith(nodeUser)) return `subject common name does not begin with ${nodeUser}`;
  if (asked.names) return 'DNS, IP, email and URI subjectAltNames are not allowed';
  const sorted = wanted.toSorted().join();
  return usages.some(allowed => allowed.join() === sorted) ? undefined : 'usages did not match';
}

/** The cluster approves joining nodes itself only where a binding lets their group ask for that. */
function approveNode(store: Store, request: SigningRequest): void {
  const { spec } = request;
  if (spec.signerName !== nodeClientSigner || !mayApproveItself(store, spec)) return;
  const read = readOrRefuse(spec);
  if (typeof read === 'string' || refusalOf(spec, read) !== undefined) return;
  const message = 'Auto approving kubelet client certificate after SubjectAccessReview.';
  mark(store, request, { type: 'Approved', reason: 'AutoApproved', message });
}

function mayApproveItself(store: Store, { groups = [], username }: SigningRequest['spec']): boolean {
  const bindings = store.list('clusterrolebindings') as (KubeObject & {
    roleRef?: { name: string };
    subjects?: { kind: string; name: string }[];
  })[];
  return bindings.some(
    ({ roleRef, subjects = [] }) =>
      roleRef?.name === nodeClientRole &&
      subjects.some(({ kind, name }) => (kind === 'Group' ? groups.includes(name) : name === username)),
  );
}

function mark(
  store: Store,
  { metadata }: SigningRequest,
  condition: { type: string; reason: string; message: string },
): void {
  store.update('certificatesigningrequests', metadata, draft => {
    const { status } = draft as SigningRequest;
    setCondition(status, store.now(), { ...condition, status: 'True', lastUpdateTime: store.now() });
  });
}
