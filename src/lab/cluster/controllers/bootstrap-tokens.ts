/**
 * Bootstrap tokens: Secrets that let a machine without any identity ask for
 * one, that are taken away when their time is over, and that sign the public
 * cluster-info so that the machine can trust it.
 */
import { createHmac } from 'node:crypto';
import { stringify } from 'yaml';
import type { KubeObject } from '../model/objects.ts';
import type { Store } from '../model/store.ts';
import type { ControllerContext, KeyedController } from './controller-loop.ts';

const namespace = 'kube-system';
const tokenType = 'bootstrap.kubernetes.io/token';
const baseGroup = 'system:bootstrappers';
const groupForm = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;
const clusterInfo = { namespace: 'kube-public', name: 'cluster-info' };

type Token = {
  id: string;
  secret: string;
  groups: string[];
  authenticates: boolean;
  signs: boolean;
  /** Wall-clock milliseconds; infinite without an end. */
  expires: number;
};

/** Who owns a bearer token of the form `<id>.<secret>`; undefined when it is no bootstrap token that counts now. */
export function bootstrapUser(store: Store, bearer: string): { name: string; groups: string[] } | undefined {
  const [, id, secret] = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(bearer) ?? [];
  if (id === undefined) return undefined;
  const object = store.get('secrets', { namespace, name: `bootstrap-token-${id}` });
  const token = object && tokenIn(object);
  if (token === undefined || token.secret !== secret || !token.authenticates) return undefined;
  if (token.expires <= store.nowMs() || object?.metadata.deletionTimestamp !== undefined) return undefined;
  return { name: `system:bootstrap:${id}`, groups: [baseGroup, ...token.groups] };
}

/** The token of a Secret, undefined when the Secret is none or is incomplete. */
function tokenIn(object: KubeObject): Token | undefined {
  const secret = object as KubeObject & {
    type?: string;
    data?: Record<string, string>;
    stringData?: Record<string, string>;
  };
  if (secret.type !== tokenType) return undefined;
  const value = (key: string) => {
    const plain = secret.stringData?.[key];
    const encoded = secret.data?.[key];
    return plain ?? (encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8'));
  };
  const id = value('token-id');
  if (object.metadata.name !== `bootstrap-token-${id}` || value('token-secret') === '') return undefined;
  const expiration = value('expiration');
  const expires = expiration === '' ? Number.POSITIVE_INFINITY : Date.parse(expiration);
  const groups = value('auth-extra-groups').split(',');
  return {
    id,
    secret: value('token-secret'),
    groups: groups.filter(group => groupForm.test(group)),
    authenticates: value('usage-bootstrap-authentication') === 'true',
    signs: value('usage-bootstrap-signing') === 'true',
    // An end that cannot be read counts as over.
    expires: Number.isNaN(expires) ? 0 : expires,
  };
}

/** Deletes tokens whose time is over. */
export function tokenCleaner({ store, clock }: ControllerContext): KeyedController {
  return {
    name: 'token-cleaner',
    concerns: { secrets: ({ object }) => (object.metadata.namespace === namespace ? [object.metadata.name] : []) },
    keys: () => store.list('secrets', namespace).map(({ metadata }) => metadata.name),
    reconcile: (name, again) => {
      const object = store.get('secrets', { namespace, name });
      const token = object && tokenIn(object);
      if (token === undefined || token.expires === Number.POSITIVE_INFINITY) return;
      const left = token.expires - store.nowMs();
      if (left <= 0) return void store.remove('secrets', { namespace, name });
      again(Math.min(left * clock.speed + 1, 2_000_000_000));
    },
  };
}

/** Keeps cluster-info signed by every token that may sign it. */
export function bootstrapSigner({ store, clock }: ControllerContext): KeyedController {
  return {
    name: 'bootstrap-signer',
    concerns: {
      secrets: ({ object }) => (object.metadata.namespace === namespace ? [''] : []),
      configmaps: ({ object }) => (object.metadata.name === clusterInfo.name ? [''] : []),
    },
    keys: () => [''],
    reconcile: (_key, again) => {
      const map = store.get('configmaps', clusterInfo) as (KubeObject & { data?: Record<string, string> }) | undefined;
      const kubeconfig = map?.data?.kubeconfig;
      if (kubeconfig === undefined) return;
      const tokens = store.list('secrets', namespace).flatMap(secret => tokenIn(secret) ?? []);
      const signing = tokens.filter(({ signs, expires }) => signs && expires > store.nowMs());
      const signatures = signing.map(token => [`jws-kubeconfig-${token.id}`, detachedSignature(kubeconfig, token)]);
      store.update('configmaps', clusterInfo, draft => {
        Object.assign(draft, { data: { kubeconfig, ...Object.fromEntries(signatures) } });
      });
      const next = Math.min(...signing.map(({ expires }) => expires));
      if (Number.isFinite(next)) again(Math.min((next - store.nowMs()) * clock.speed + 1, 2_000_000_000));
    },
  };
}

/** A JWS (HS256) of the content, without the content between its dots. */
function detachedSignature(content: string, { id, secret }: Token): string {
  const header = Buffer.from(JSON.stringify({ alg: 'HS256', kid: id })).toString('base64url');
  const signed = `${header}.${Buffer.from(content).toString('base64url')}`;
  return `${header}..${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** Publishes where the API is and whom to trust, as a cluster's setup does; `authority` is PEM. */
export function publishClusterInfo(store: Store, { url, authority }: { url: string; authority: string }): void {
  const cluster = { server: url, 'certificate-authority-data': Buffer.from(authority).toString('base64') };
  const kubeconfig = stringify({
    apiVersion: 'v1',
    clusters: [{ cluster, name: '' }],
    contexts: null,
    'current-context': '',
    kind: 'Config',
    preferences: {},
    users: null,
  });
  store.create('configmaps', { metadata: clusterInfo, ...{ data: { kubeconfig } } });
}
