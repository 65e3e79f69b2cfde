/**
 * Pauses another controller while we work on a node, and takes that back. Several of our nodes may need the same pause, so
 * its object says for whom it is, and the last of them ends it. A pause that somebody else set, or set anew over ours, is
 * never touched.
 */
import { PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { z } from 'zod';
import type { Hold } from '../../core/cluster.ts';
import { pauseHolders } from '../../core/cluster-marks.ts';
import { FleetError } from '../../core/errors.ts';
import { hostPaused } from './bare-metal-hosts.ts';
import { translate } from './failures.ts';
import { kuredLock } from './kured.ts';
import { machinesPaused } from './machine-health-checks.ts';
import type { Reach } from './reach.ts';
import { read } from './reading.ts';
import { holdersIn, requestOf } from './remediator-holders.ts';

export type Turn = 'hold' | 'release';

const objectSchema = z.object({
  metadata: z.object({
    resourceVersion: z.string(),
    annotations: z
      .record(z.string(), z.string())
      .nullish()
      .transform(value => value ?? {}),
  }),
  spec: z.unknown(),
});
type Paused = z.output<typeof objectSchema>;
/** A merge patch; undefined where there is nothing to write. */
type Patch = { metadata?: object; spec?: object } | undefined;
type Pausing = Record<Turn, (object: Paused, holder: string) => Patch>;

/** Throws FleetError: `conflict` when the object changed since it was read here. */
export async function turnPause(reach: Reach, turn: Turn, { remediator, holder }: Hold): Promise<void> {
  const { kind, object: path = '' } = remediator;
  const pausing = pausings[kind];
  if (!pausing) throw new FleetError({ code: 'internal', message: `nobody knows how to pause a ${kind}` });
  const context = reach.context(path);
  const found = await read(context, async () => objectSchema.parse(await get(reach, path)));
  const patch = pausing[turn](found, holder);
  if (!patch) return;
  const { resourceVersion } = found.metadata;
  try {
    await send(reach, path, { ...patch, metadata: { ...patch.metadata, resourceVersion } });
  } catch (thrown) {
    throw translate(thrown, { ...context, access: 'write' });
  }
}

/** By one annotation: what is there without our holders is somebody else's. */
function byAnnotation(pauseOf: (object: Paused) => { key: string; value: string }): Pausing {
  return {
    hold(object, holder) {
      const { key, value } = pauseOf(object);
      const { annotations } = object.metadata;
      const holders = holdersIn(annotations);
      if (holders.includes(holder) || (key in annotations && holders.length === 0)) return undefined;
      const mark = { [pauseHolders]: [...holders, holder].join(',') };
      return { metadata: { annotations: { ...mark, ...(key in annotations ? {} : { [key]: value }) } } };
    },
    release(object, holder) {
      const { key, value } = pauseOf(object);
      const { annotations } = object.metadata;
      const holders = holdersIn(annotations);
      const left = holders.filter(each => each !== holder);
      if (left.length === holders.length) return undefined;
      if (left.length > 0) return { metadata: { annotations: { [pauseHolders]: left.join(',') } } };
      const ours = annotations[key] === value ? { [key]: null } : {};
      return { metadata: { annotations: { [pauseHolders]: null, ...ours } } };
    },
  };
}

const requestsSchema = z.object({ pauseRequests: z.array(z.string()).nullish() });

/** By a list in which everybody who wants the pause has a line. */
const byRequests: Pausing = {
  hold({ spec }, holder) {
    const requests = requestsSchema.parse(spec).pauseRequests ?? [];
    const mine = requestOf(holder);
    return requests.includes(mine) ? undefined : { spec: { pauseRequests: [...requests, mine] } };
  },
  release({ spec }, holder) {
    const requests = requestsSchema.parse(spec).pauseRequests ?? [];
    const left = requests.filter(each => each !== requestOf(holder));
    return left.length === requests.length ? undefined : { spec: { pauseRequests: left } };
  },
};

/** The value by which our own pause is told from one that a person set. */
const ours = pauseHolders;

const pausings: Record<string, Pausing> = {
  MachineHealthCheck: byAnnotation(() => ({ key: machinesPaused, value: ours })),
  BareMetalHost: byAnnotation(() => ({ key: hostPaused, value: ours })),
  kured: byAnnotation(set => kuredLock(set as never, ours)),
  NodeHealthCheck: byRequests,
};

/** Group, version, namespace where it has one, plural and name of `/apis/<group>/<version>[/namespaces/<namespace>]/<plural>/<name>`. */
function placeOf(path: string) {
  const [, , group = '', version = '', ...rest] = path.split('/');
  const [name = '', plural = '', namespace] = rest.toReversed();
  return { group, version, plural, name, ...(namespace === undefined ? {} : { namespace }) };
}

function get({ custom }: Reach, path: string): Promise<unknown> {
  const place = placeOf(path);
  return 'namespace' in place && place.namespace
    ? custom.getNamespacedCustomObject({ ...place, namespace: place.namespace })
    : custom.getClusterCustomObject(place);
}

function send({ custom }: Reach, path: string, body: object): Promise<unknown> {
  const place = placeOf(path);
  const mergePatch = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
  return 'namespace' in place && place.namespace
    ? custom.patchNamespacedCustomObject({ ...place, namespace: place.namespace, body }, mergePatch)
    : custom.patchClusterCustomObject({ ...place, body }, mergePatch);
}
