/**
 * Objects of kinds that a cluster may or may not have. A kind that is not
 * served is no finding; one that we may not read is a failure that names the
 * permission, because what nobody looked at must not count as absent.
 */
import { z } from 'zod';
import { FleetError } from '../../core/errors.ts';
import type { LabelSelector } from '../../core/scheduling.ts';
import { refusalOf } from './failures.ts';
import type { Reach } from './reach.ts';
import { ofKind, read, readList } from './reading.ts';

export type CustomKind = {
  group: string;
  /** Known to us, the one to ask for first; others that are served are asked after them. */
  versions: string[];
  plural: string;
  kind: string;
};

/** Versions by API group, as discovery lists them. */
export type ServedGroups = ReadonlyMap<string, string[]>;

const texts = z.record(z.string(), z.string());
const metadataSchema = z.object({
  name: z.string(),
  namespace: z.string().default(''),
  annotations: texts.nullish().transform(value => value ?? {}),
});
const selectorSchema = z.object({
  matchLabels: texts.optional(),
  matchExpressions: z
    .array(
      z.object({
        key: z.string(),
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
        values: z.array(z.string()).optional(),
      }),
    )
    .optional(),
});

/** An object as it came, with what every object has. */
export type CustomObject = z.output<typeof metadataSchema> & {
  spec: unknown;
  status: unknown;
  /** Of the object in the API. */
  path: string;
};

/** Narrows a list to what a selector of the API's text form selects in one namespace. */
export type Within = { namespace: string; labelSelector: string };

type RawList = { kind?: string; items?: unknown[]; metadata?: { continue?: string } };

export async function servedGroups({ groups, context }: Reach): Promise<ServedGroups> {
  const list = await read(context('the API groups'), async () => ofKind('APIGroupList', await groups.getAPIVersions()));
  const served = new Map(list.groups.map(({ name, versions }) => [name, versions.map(({ version }) => version)]));
  // A server that just started lists what it knows so far; without its own groups, a missing one proves nothing.
  if (served.has('apps')) return served;
  const { cluster } = context('');
  throw new FleetError({
    code: 'cluster_unreachable',
    retry: 'later',
    message: `the API server of cluster ${cluster} does not list all of its API groups yet`,
  });
}

/** All objects of the kind, in every namespace or within one; none where it is not served. Throws FleetError, also for 403. */
export async function listCustomObjects(
  reach: Reach,
  served: ServedGroups,
  wanted: CustomKind & { within?: Within },
): Promise<CustomObject[]> {
  const versions = served.get(wanted.group) ?? [];
  const known = wanted.versions.filter(version => versions.includes(version));
  for (const version of [...known, ...versions.filter(version => !known.includes(version))]) {
    const objects = await listVersion(reach, wanted, version);
    if (objects !== undefined) return objects;
  }
  return [];
}

/** Undefined where this version has no such kind. */
async function listVersion(
  reach: Reach,
  { group, plural, kind, within }: CustomKind & { within?: Within },
  version: string,
): Promise<CustomObject[] | undefined> {
  const context = { ...reach.context(`the list of ${plural}.${group}`), kind: `${kind}List` };
  const place = { group, version, plural };
  try {
    return await readList(
      context,
      async page => {
        const raw: RawList = await (within === undefined
          ? reach.custom.listClusterCustomObject({ ...place, ...page })
          : reach.custom.listNamespacedCustomObject({ ...place, ...within, ...page }));
        const next = raw.metadata?.continue;
        const items = (raw.items ?? []).map(item => customObject(item, place));
        return { ...raw, items, metadata: next === undefined ? {} : { _continue: next } };
      },
      item => item,
    );
  } catch (thrown) {
    const error = FleetError.from(thrown);
    if (error.code === 'not_found') return undefined;
    throw isForbidden(error) ? notPermitted(error, `${plural}.${group}`) : error;
  }
}

/** The cluster knows us and says that we may not. */
export function isForbidden(error: FleetError): boolean {
  return refusalOf(error.cause)?.status === 403;
}

function notPermitted(error: FleetError, resource: string): FleetError {
  return new FleetError({
    ...error.toJSON(),
    hint: `Give our account the verb list on ${resource}, as deploy/kubernetes/rbac.yaml does.`,
    cause: error.cause,
  });
}

function customObject(raw: unknown, place: Place): CustomObject {
  const { metadata, spec, status } = z
    .object({ metadata: metadataSchema, spec: z.unknown().optional(), status: z.unknown().optional() })
    .parse(raw);
  return { ...metadata, spec, status, path: objectPath({ ...place, ...metadata }) };
}

type Place = { group: string; version: string; plural: string };

/** An empty namespace stands for an object of the whole cluster. */
export function objectPath(of: Place & { namespace: string; name: string }): string {
  const within = of.namespace === '' ? '' : `/namespaces/${of.namespace}`;
  return `/apis/${of.group}/${of.version}${within}/${of.plural}/${of.name}`;
}

/**
 * A label selector in the API's text form, so that the API server itself judges it; undefined where it cannot be
 * understood. An empty one is the empty text, which selects everything.
 */
export function selectorText(selector: unknown): string | undefined {
  const parsed = selectorSchema.safeParse(selector);
  if (!parsed.success) return undefined;
  const { matchLabels = {}, matchExpressions = [] } = parsed.data;
  const pairs = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  return [...pairs, ...matchExpressions.map(expressionText)].join(',');
}

function expressionText({
  key,
  operator,
  values = [],
}: NonNullable<LabelSelector['matchExpressions']>[number]): string {
  if (operator === 'Exists') return key;
  if (operator === 'DoesNotExist') return `!${key}`;
  return `${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join(',')})`;
}
