/** ControllerRevisions: the templates that StatefulSets and DaemonSets had, so that a rollout can stop in its middle. */
import { isDeepStrictEqual } from 'node:util';
import {
  controllerOf,
  type KubeObject,
  type PodObject,
  type PodTemplate,
  type WorkloadObject,
} from '../model/objects.ts';
import type { Store } from '../model/store.ts';
import { controlledBy, templateHash } from './owned-pods.ts';

type Revision = KubeObject & { revision: number; data: { spec: { template: PodTemplate & { $patch?: string } } } };

const label = 'controller-revision-hash';

/** The revision of the set's template as it is now, made or made the newest where necessary. */
export function currentRevision(store: Store, set: WorkloadObject): string {
  const known = revisionsOf(store, set);
  const found = known.find(({ data }) => isDeepStrictEqual(templateIn(data), set.spec.template));
  const newest = Math.max(0, ...known.map(({ revision }) => revision));
  if (found !== undefined) {
    if (found.revision < newest) {
      store.update('controllerrevisions', found.metadata, draft => Object.assign(draft, { revision: newest + 1 }));
    }
    return found.metadata.name;
  }
  const { name, namespace } = set.metadata;
  const hash = templateHash(set.spec.template);
  const made = store.create('controllerrevisions', {
    metadata: {
      name: `${name}-${hash}`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...set.spec.template.metadata?.labels, [label]: hash },
      ownerReferences: [controlledBy(set)],
    },
    ...{ data: { spec: { template: { ...set.spec.template, $patch: 'replace' } } }, revision: newest + 1 },
  });
  return made.metadata.name;
}

/** The template of a revision, undefined when it is forgotten. */
export function templateOf(store: Store, set: WorkloadObject, revision: string): PodTemplate | undefined {
  const found = revisionsOf(store, set).find(({ metadata }) => metadata.name === revision);
  return found === undefined ? undefined : templateIn(found.data);
}

function templateIn({ spec }: Revision['data']): PodTemplate {
  const { $patch: _patch, ...template } = spec.template;
  return template;
}

/** Forgets the oldest revisions beyond the limit that no pod has. */
export function forgetRevisions(store: Store, set: WorkloadObject, kept: { used: Set<string>; limit: number }): void {
  const unused = revisionsOf(store, set).filter(({ metadata }) => !kept.used.has(metadata.name));
  for (const { metadata } of unused.slice(0, Math.max(0, unused.length - kept.limit))) {
    store.remove('controllerrevisions', metadata);
  }
}

function revisionsOf(store: Store, { metadata }: WorkloadObject): Revision[] {
  const all = store.list('controllerrevisions', metadata.namespace) as Revision[];
  return all.filter(each => controllerOf(each)?.uid === metadata.uid).toSorted((a, b) => a.revision - b.revision);
}

/** What a pod of this revision is labelled with: StatefulSets write the whole name, DaemonSets the hash alone. */
export function revisionLabel(value: string): Record<string, string> {
  return { [label]: value };
}

export function revisionLabelOf({ metadata }: PodObject): string | undefined {
  return metadata.labels?.[label];
}
