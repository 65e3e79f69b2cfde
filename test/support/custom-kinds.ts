/** Kinds that other people's controllers bring, put into a lab cluster the way they do it: as CustomResourceDefinitions. */
import { expect } from 'vitest';
import { type KubernetesScene, until } from './kubernetes-lab.ts';

export type CustomKindDefinition = {
  group: string;
  versions: string[];
  plural: string;
  kind: string;
  scope?: 'Namespaced' | 'Cluster';
};

/** Declares the kind and waits until it is served. */
export async function declareKind(
  { raw }: KubernetesScene,
  { group, versions, plural, kind, scope = 'Namespaced' }: CustomKindDefinition,
): Promise<void> {
  const { status } = await raw('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    method: 'POST',
    body: {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.${group}` },
      spec: {
        group,
        scope,
        names: { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List` },
        versions: versions.map((name, index) => ({
          name,
          served: true,
          storage: index === 0,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        })),
      },
    },
  });
  expect(status).toBe(201);
  await until(`${kind} is served`, async () => {
    const served = await Promise.all(versions.map(version => raw(`/apis/${group}/${version}/${plural}`)));
    return served.every(reply => reply.status === 200);
  });
}

type NewObject = { metadata: { name: string; namespace?: string; [field: string]: unknown }; [field: string]: unknown };

/** Creates an object as an administrator; `path` is that of its group and version. */
export async function createObject(
  { raw }: KubernetesScene,
  { path, plural, object }: { path: string; plural: string; object: NewObject },
): Promise<void> {
  const { namespace } = object.metadata;
  const place = namespace === undefined ? path : `${path}/namespaces/${namespace}`;
  const { status, body } = await raw(`${place}/${plural}`, { method: 'POST', body: object });
  expect(body.message ?? 'created', `${plural} ${object.metadata.name}`).toBe('created');
  expect(status).toBe(201);
}

/** A merge patch as an administrator. */
export async function mergePatch({ raw }: KubernetesScene, path: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/merge-patch+json' };
  const { status } = await raw(path, { method: 'PATCH', headers, body });
  expect(status, path).toBe(200);
}
