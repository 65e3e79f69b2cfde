/** A cluster's content as one hash, made of what both an API server's store and a client can tell of each object. */
import { createHash } from 'node:crypto';

export type Content = {
  /** Name, uid, resource version. */
  nodes: [string, string, string][];
  /** Uid, node, phase, ready, restarts. */
  pods: [string, string, string, boolean, number][];
  /** Namespace, name, disruptions allowed. */
  pdbs: [string, string, number][];
  /** Namespace, name, ready. */
  daemonSets: [string, string, number][];
};

export function digestOf({ nodes, pods, pdbs, daemonSets }: Content): string {
  const hash = createHash('sha256');
  for (const rows of [nodes, pods, pdbs, daemonSets]) {
    hash.update(`${rows.length}\n`);
    for (const row of rows.map(each => each.join(' ')).sort()) hash.update(`${row}\n`);
  }
  return hash.digest('hex');
}

type Status = {
  phase?: string | undefined;
  conditions?: { type: string; status: string }[] | undefined;
  containerStatuses?: { restartCount: number }[] | undefined;
};
type ApiPod = {
  metadata?: { uid?: string | undefined } | undefined;
  spec?: { nodeName?: string | undefined } | undefined;
  status?: Status | undefined;
};

/** A pod of the API's own form. */
export function podRow({ metadata, spec, status }: ApiPod): Content['pods'][number] {
  const ready = status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
  const restarts = (status?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0);
  return [metadata?.uid ?? '', spec?.nodeName ?? '', status?.phase ?? '', ready, restarts];
}
