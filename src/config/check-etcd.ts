/** etcd endpoints: each of a control-plane node of its own cluster, and none counted twice, since quorum is counted from them. */
import { parseOrigin } from './addresses.ts';
import type { LooseDocument } from './loose-document.ts';
import { type ConfigPath, type Problems, showFound, showPath } from './problems.ts';

type LooseCluster = LooseDocument['sites'][number]['clusters'][number];

export function checkEtcd(document: LooseDocument, problems: Problems): void {
  for (const [s, site] of document.sites.entries()) {
    for (const [c, cluster] of site.clusters.entries()) checkCluster(cluster, ['sites', s, 'clusters', c], problems);
  }
}

function checkCluster({ nodes, etcd }: LooseCluster, path: ConfigPath, problems: Problems): void {
  const roles = new Map(nodes.map(({ name, role }) => [name, role]));
  const seen = new Map<string, ConfigPath>();
  const once = (value: string, place: ConfigPath) => {
    const earlier = seen.get(value);
    if (!earlier) return void seen.set(value, place);
    const hint = `The same stands at ${showPath(earlier)}, and one member must not count twice.`;
    problems.add(place, { expected: 'another than before', found: showFound(value, place), hint });
  };
  for (const [index, { node, url }] of etcd.entries()) {
    const place = [...path, 'etcd', index];
    if (node !== undefined) {
      const role = roles.get(node);
      const expected = 'the name of a control-plane node of this cluster';
      if (role !== 'control-plane') problems.add([...place, 'node'], { expected, found: showFound(node, place) });
      once(node, [...place, 'node']);
    }
    const origin = url === undefined ? undefined : parseOrigin(url, ['http', 'https'])?.origin;
    if (origin !== undefined) once(origin, [...place, 'url']);
  }
}
