/** Objects from YAML files, created by the lab's administrator before the cluster is handed out. */
import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { admitNew } from '../model/admission.ts';
import type { KubeObject } from '../model/objects.ts';
import { storeKey } from '../model/resources.ts';
import type { Store } from '../model/store.ts';

export type Manifests = {
  objects: KubeObject[];
  /** The first ServiceAccount of them: the one that the program under test has. */
  account: { namespace: string; name: string };
};

/** Reads them in the order of the files. Throws where they make no ServiceAccount: no program is given an administrator's. */
export function readManifests(files: string[]): Manifests {
  const objects = files.flatMap(objectsIn);
  const account = objects.find(({ kind }) => kind === 'ServiceAccount')?.metadata;
  if (account === undefined) throw new Error(`no ServiceAccount in the manifests [${files.join(', ')}]`);
  return { objects, account: { namespace: account.namespace ?? 'default', name: account.name } };
}

/** Creates them in their order. Throws on what the API would refuse. */
export function applyManifests(store: Store, { objects }: Manifests): void {
  for (const object of objects) createFrom(store, object);
}

function objectsIn(file: string): KubeObject[] {
  const documents = parseAllDocuments(readFileSync(file, 'utf8'));
  const problem = documents.flatMap(({ errors }) => errors)[0];
  if (problem !== undefined) throw new Error(`${file}: ${problem.message}`);
  return documents.map(document => document.toJS() as KubeObject | null).filter(object => object !== null);
}

function createFrom(store: Store, object: KubeObject): void {
  const [version = '', group = ''] = object.apiVersion.split('/').toReversed();
  const kind = store.kinds.all.find(
    each => each.kind === object.kind && each.group === group && each.version === version,
  );
  if (kind === undefined) throw new Error(`the lab serves no ${object.apiVersion} ${object.kind}`);
  const namespace = kind.namespaced ? { namespace: object.metadata.namespace ?? 'default' } : {};
  store.create(storeKey(kind), admitNew(store, kind, { body: object, ...namespace }));
}
