/**
 * Custom resources: what a CustomResourceDefinition declares is served and
 * discoverable from then on. Its schema is published but not enforced: objects
 * are kept as they came.
 */
import { deleteObject, releaseFinalizer } from '../model/deletion.ts';
import type { KubeObject, StatusCondition } from '../model/objects.ts';
import { setCondition } from '../model/objects.ts';
import type { PrinterColumn, ResourceKind } from '../model/resources.ts';
import type { Change, Store } from '../model/store.ts';

type Definition = KubeObject & {
  spec: {
    group: string;
    scope: 'Namespaced' | 'Cluster';
    names: {
      plural: string;
      singular?: string;
      kind: string;
      listKind?: string;
      shortNames?: string[];
      categories?: string[];
    };
    versions: Version[];
  };
};

type Version = {
  name: string;
  served: boolean;
  storage: boolean;
  subresources?: { status?: object };
  additionalPrinterColumns?: PrinterColumn[];
  schema?: { openAPIV3Schema?: object };
};

const plural = 'customresourcedefinitions';
/** Holds a definition until the objects of its kind are gone. */
const cleanup = 'customresourcecleanup.apiextensions.k8s.io';

/** Serves what definitions declare from now on. */
export function serveCustomResources(store: Store): void {
  store.onChange(change => {
    if (change.plural === plural) follow(store, change);
    else if (change.type === 'DELETED' && store.kinds.of(change.plural).key !== undefined) {
      const definition = store.get(plural, { name: change.plural }) as Definition | undefined;
      if (definition?.metadata.deletionTimestamp !== undefined) remove(store, definition);
    }
  });
}

function follow(store: Store, { type, object }: Change): void {
  const definition = object as Definition;
  if (type === 'DELETED') store.kinds.declare(definition.metadata.name, []);
  else if (definition.metadata.deletionTimestamp === undefined) declare(store, definition);
  else remove(store, definition);
}

function declare(store: Store, definition: Definition): void {
  const { name } = definition.metadata;
  const { group, scope, names, versions } = definition.spec;
  const singular = names.singular ?? names.kind.toLowerCase();
  const kinds = versions
    .filter(({ served }) => served)
    .toSorted((a, b) => Number(b.storage) - Number(a.storage))
    .map<ResourceKind>(({ name: version, subresources, additionalPrinterColumns }) => ({
      key: name,
      group,
      version,
      plural: names.plural,
      singular,
      kind: names.kind,
      namespaced: scope === 'Namespaced',
      ...(names.shortNames ? { shortNames: names.shortNames } : {}),
      ...(names.categories ? { categories: names.categories } : {}),
      ...(subresources?.status ? { status: true } : {}),
      ...(additionalPrinterColumns ? { columns: additionalPrinterColumns } : {}),
    }));
  store.kinds.declare(name, kinds);
  establish(store, definition);
}

function establish(store: Store, { metadata, spec }: Definition): void {
  store.update(plural, { name: metadata.name }, draft => {
    draft.metadata.finalizers = [...new Set([...(draft.metadata.finalizers ?? []), cleanup])];
    const status: { conditions?: StatusCondition[] } = { ...draft.status };
    setCondition(status, store.now(), {
      type: 'NamesAccepted',
      status: 'True',
      reason: 'NoConflicts',
      message: 'no conflicts found',
    });
    setCondition(status, store.now(), {
      type: 'Established',
      status: 'True',
      reason: 'InitialNamesAccepted',
      message: 'the initial names have been accepted',
    });
    const storedVersions = spec.versions.filter(({ storage }) => storage).map(({ name }) => name);
    draft.status = { ...status, acceptedNames: spec.names, storedVersions };
  });
}

/** Deletes what is stored under the definition; it leaves with the last of them. */
function remove(store: Store, { metadata }: Definition): void {
  if (store.get(plural, { name: metadata.name }) === undefined) return;
  for (const { metadata: one } of store.list(metadata.name)) {
    const { name, namespace, deletionTimestamp } = one;
    if (deletionTimestamp !== undefined) continue;
    deleteObject(store, { plural: metadata.name, name, ...(namespace === undefined ? {} : { namespace }) }, {});
  }
  if (store.list(metadata.name).length === 0) releaseFinalizer(store, { plural, name: metadata.name }, cleanup);
}
