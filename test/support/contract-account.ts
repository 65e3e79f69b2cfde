/**
 * The account that the product runs under: what deploy/kubernetes ships, applied to a cluster as an administrator does.
 * For a real cluster this happens once for a whole run, and what the run made leaves with it.
 */
import { readFile } from 'node:fs/promises';
import { parseAllDocuments, stringify } from 'yaml';
import { shippedManifests } from '../../src/demo/lab-part.ts';
import { type Access, ApiClient, type Kube, readAccess } from './contract-api.ts';

/** Names the kubeconfig of a real cluster, with an administrator's credentials. */
export const realKubeconfig = process.env.GROUNDSKEEPER_TEST_KUBECONFIG;

const account = { namespace: 'groundskeeper', name: 'groundskeeper' };
const collections: Record<string, string> = {
  Namespace: '/api/v1/namespaces',
  ServiceAccount: '/api/v1/namespaces/NAMESPACE/serviceaccounts',
  ClusterRole: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  ClusterRoleBinding: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
  Role: '/apis/rbac.authorization.k8s.io/v1/namespaces/NAMESPACE/roles',
  RoleBinding: '/apis/rbac.authorization.k8s.io/v1/namespaces/NAMESPACE/rolebindings',
};

/** For the whole run: applies the manifests to the real cluster, where there is one, and removes what it made. */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (realKubeconfig === undefined) return undefined;
  const api = new ApiClient(await readAccess(realKubeconfig));
  const made = await applyShipped(api);
  return async () => {
    for (const path of made.toReversed()) await api.must(api.remove(path));
    await api.close();
  };
}

/** Creates what is not there yet; answers the paths of what it created. */
export async function applyShipped(api: ApiClient): Promise<string[]> {
  const texts = await Promise.all(shippedManifests.map(file => readFile(file, 'utf8')));
  const objects = texts.flatMap(text => parseAllDocuments(text).map(document => document.toJS() as Kube | null));
  const made: string[] = [];
  for (const object of objects) {
    if (object === null) continue;
    const collection = collections[object.kind ?? '']?.replace('NAMESPACE', object.metadata.namespace);
    if (collection === undefined) throw new Error(`the manifests hold a ${object.kind}, which nobody here can apply`);
    const { status, text } = await api.post(collection, object);
    if (status === 201) made.push(`${collection}/${object.metadata.name}`);
    else if (status !== 409) throw new Error(`${object.kind} ${object.metadata.name} was answered ${status}: ${text}`);
  }
  return made;
}

/** A token of the product's account, by TokenRequest. */
export async function accountToken(api: ApiClient): Promise<string> {
  const path = `/api/v1/namespaces/${account.namespace}/serviceaccounts/${account.name}/token`;
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 86_400 } };
  const { status } = await api.create(path, request);
  return String(status?.token);
}

/** A kubeconfig for the same server, with this token. */
export function kubeconfigFor({ server, caData }: Access, token: string): string {
  const authority =
    caData === undefined ? {} : { 'certificate-authority-data': Buffer.from(caData).toString('base64') };
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'contract',
    clusters: [{ name: 'contract', cluster: { server, ...authority } }],
    users: [{ name: account.name, user: { token } }],
    contexts: [{ name: 'contract', context: { cluster: 'contract', user: account.name } }],
  });
}
