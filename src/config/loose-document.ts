/**
 * The same file, read with all errors forgiven and every index kept, so that
 * rules across entries are checked even while some entry is malformed, and an
 * operator sees every problem in one run.
 */
import { z } from 'zod';

const text = z.string().optional().catch(undefined);
const texts = z.array(text).catch([]);

/** A mapping whose parts are forgiven one by one; anything else counts as an empty mapping. */
function loose<T extends z.ZodRawShape>(shape: T) {
  return z.preprocess(value => (isMapping(value) ? value : {}), z.object(shape));
}

function entries<T extends z.ZodType>(item: T) {
  return z.preprocess(value => (Array.isArray(value) ? value : []), z.array(item));
}

function isMapping(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const node = loose({
  name: text,
  role: text,
  server: loose({ bmc: loose({ url: text, credential: text, spki: text, ca: text, systemUri: text }) }),
});
const cluster = loose({
  name: text,
  kubeconfig: loose({ file: text, inCluster: z.unknown().optional() }),
  nodes: entries(node),
  etcd: entries(loose({ node: text, url: text })),
});

export const looseDocument = loose({
  service: loose({ listen: text, allowRemote: z.unknown().optional(), publicUrl: text }),
  metrics: loose({ listen: text }),
  mcp: loose({ http: z.unknown().optional() }),
  database: text,
  policies: text,
  people: entries(
    loose({
      name: text,
      groups: texts,
      passphrase: z.unknown().optional(),
      oidc: loose({ subject: text }),
      slack: text,
    }),
  ),
  directory: loose({ file: text, accept: texts }),
  oidc: loose({ issuer: text, clientSecret: text, groups: loose({ accept: texts }) }),
  assistant: loose({ apiKey: text }),
  digests: entries(loose({ name: text, sites: texts, to: entries(loose({ slack: text })) })),
  custody: loose({ anchors: entries(loose({ slack: text })) }),
  slack: loose({ botToken: text, appToken: text, signingSecret: text, http: loose({ listen: text }) }),
  credentials: z.preprocess(value => (isMapping(value) ? value : {}), z.record(z.string(), loose({ password: text }))),
  firmware: entries(
    loose({ id: text, models: texts, component: text, drives: texts, file: text, url: text, sha256: text }),
  ),
  baselines: entries(loose({ name: text, images: texts })),
  rollout: loose({ gates: entries(loose({ name: text, sites: texts, ca: text, bearer: text })) }),
  sites: entries(loose({ name: text, bmcNetwork: text, baseline: text, clusters: entries(cluster) })),
});

export type LooseDocument = z.output<typeof looseDocument>;

/** Every node with its place in the file. */
export function looseNodes(document: LooseDocument) {
  return document.sites.flatMap((site, s) =>
    site.clusters.flatMap((cluster, c) =>
      cluster.nodes.map((node, n) => ({ site, node, path: ['sites', s, 'clusters', c, 'nodes', n] })),
    ),
  );
}
