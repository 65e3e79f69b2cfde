/**
 * kured reboots nodes that ask for it, one after another under a lock that is
 * an annotation on its DaemonSet. A lock that no node holds and that does not
 * end by itself keeps it from rebooting anything: that is how it is paused.
 */
import type { V1Container, V1DaemonSet } from '@kubernetes/client-node';
import { z } from 'zod';
import type { RemediatorFacts } from '../../core/cluster-facts.ts';
import { objectPath, selectorText } from './custom-objects.ts';
import { kubectl } from './kubectl-command.ts';
import { nodeNames } from './node-names.ts';
import type { Reach } from './reach.ts';
import { readList } from './reading.ts';
import { holdersIn } from './remediator-holders.ts';

/** A lock that ends sooner is no pause: work on a node may take longer. */
const longEnoughMs = 24 * 3_600_000;
const usualLock = 'weave.works/kured-node-lock';

const lockSchema = z.object({
  nodeID: z.string().default(''),
  created: z.string().optional(),
  TTL: z.number().optional(),
});
const locksSchema = z.object({ locks: z.array(lockSchema).nullish() });

/** `until`: milliseconds since the epoch at which it may be taken over. */
type Lock = { holder: string; until: number };
type Options = { annotation: string; owners: number; ttlMs: number };

export async function readKured(reach: Reach): Promise<RemediatorFacts[]> {
  const all = await readList(
    { ...reach.context('the DaemonSets'), kind: 'DaemonSetList' },
    page => reach.apps.listDaemonSetForAllNamespaces(page),
    item => item,
  );
  const found = all.filter(isKured);
  if (found.length === 0) return [];
  const nodes = await nodeNames(reach, '');
  return Promise.all(found.map(async set => kuredFacts(set, { nodes, runsOn: await nodesOf(reach, set) })));
}

function isKured({ metadata, spec }: V1DaemonSet): boolean {
  const images = (spec?.template.spec?.containers ?? []).map(({ image = '' }) => image);
  return metadata?.name === 'kured' || images.some(image => /(?:^|\/)kured(?:[:@]|$)/.test(image));
}

/** Where its pods are: it reboots no other node. All nodes while one of its pods is missing. */
async function nodesOf(
  { core, context }: Reach,
  { metadata, spec, status }: V1DaemonSet,
): Promise<string[] | undefined> {
  const labelSelector = selectorText(spec?.selector);
  if (!labelSelector) return undefined;
  const namespace = metadata?.namespace ?? '';
  const names = await readList(
    { ...context('the pods of kured'), kind: 'PodList' },
    page => core.listNamespacedPod({ namespace, labelSelector, ...page }),
    pod => pod.spec?.nodeName ?? '',
  );
  const found = names.filter(name => name !== '');
  return found.length < (status?.desiredNumberScheduled ?? Number.POSITIVE_INFINITY) ? undefined : found;
}

function kuredFacts(
  { metadata, spec }: V1DaemonSet,
  { nodes, runsOn }: { nodes: string[]; runsOn: string[] | undefined },
): RemediatorFacts {
  const namespace = metadata?.namespace ?? '';
  const name = metadata?.name ?? '';
  const options = optionsOf(spec?.template.spec?.containers ?? []);
  const locks = locksIn(metadata?.annotations?.[options.annotation], options);
  const held = locks.filter(({ until }) => until > Date.now());
  const busyWith = held.map(({ holder }) => holder).filter(holder => nodes.includes(holder));
  const stays = locks.filter(({ holder, until }) => !nodes.includes(holder) && until > Date.now() + longEnoughMs);
  const isPaused = stays.length === locks.length && stays.length >= options.owners;
  return {
    kind: 'kured',
    namespace,
    name,
    does: 'drains and reboots nodes that ask for a reboot',
    ...(runsOn === undefined ? {} : { nodes: runsOn }),
    ...(busyWith.length === 0 ? {} : { busyWith }),
    ...(isPaused ? { pausedBy: `a lock that no node holds (${options.annotation})` } : {}),
    pause: kubectl(namespace, 'annotate', 'daemonset', name, `${options.annotation}=${manualLock(options)}`),
    object: objectPath({ group: 'apps', version: 'v1', plural: 'daemonsets', namespace, name }),
    holders: holdersIn(metadata?.annotations ?? {}),
  };
}

/** The annotation under which it keeps its lock, and the lock that keeps it from everything in the name of `holder`. */
export function kuredLock(set: Pick<V1DaemonSet, 'spec'>, holder: string): { key: string; value: string } {
  const options = optionsOf(set.spec?.template.spec?.containers ?? []);
  return { key: options.annotation, value: manualLock(options, holder) };
}

/** With a lock TTL of its own kured would let a plain manual lock expire; one made in the future does not. */
function manualLock({ owners, ttlMs }: Options, nodeID = 'manual'): string {
  const lock = { nodeID, ...(ttlMs > 0 ? { created: '2100-01-01T00:00:00Z' } : {}) };
  const locks = Array.from({ length: owners }, () => lock);
  return JSON.stringify(owners > 1 ? { maxOwners: owners, locks } : lock);
}

/** The locks as kured with these options reads the annotation. One that it cannot read is none. */
function locksIn(annotation: string | undefined, { owners, ttlMs }: Options): Lock[] {
  if (annotation === undefined) return [];
  try {
    const value: unknown = JSON.parse(annotation);
    const locks = owners > 1 ? (locksSchema.parse(value).locks ?? []) : [lockSchema.parse(value)];
    return locks.map(({ nodeID, created, TTL }) => ({ holder: nodeID, until: endOf(created, TTL, ttlMs) }));
  } catch {
    return [];
  }
}

/** `ttl` in nanoseconds, as written into the lock; where it is 0 the configured one counts. */
function endOf(created: string | undefined, ttl: number | undefined, configuredMs: number): number {
  const ttlMs = ttl ? ttl / 1e6 : configuredMs;
  if (ttlMs <= 0) return Number.POSITIVE_INFINITY;
  const from = created === undefined ? 0 : Date.parse(created);
  return Number.isNaN(from) ? 0 : from + ttlMs;
}

function optionsOf(containers: V1Container[]): Options {
  const owners = Number(optionOf(containers, 'concurrency') ?? 1);
  return {
    annotation: optionOf(containers, 'lock-annotation') ?? usualLock,
    owners: Number.isInteger(owners) && owners > 1 ? owners : 1,
    ttlMs: durationMs(optionOf(containers, 'lock-ttl') ?? '0'),
  };
}

/** `--name=value`, `--name value`, or the environment's `KURED_NAME`. */
function optionOf(containers: V1Container[], name: string): string | undefined {
  const words = containers.flatMap(({ command, args }) => [...(command ?? []), ...(args ?? [])]);
  const index = words.findIndex(word => word === `--${name}` || word.startsWith(`--${name}=`));
  if (index >= 0) return words[index]?.split('=', 2)[1] ?? words[index + 1];
  const variable = `KURED_${name.toUpperCase().replaceAll('-', '_')}`;
  return containers.flatMap(({ env }) => env ?? []).find(({ name: key }) => key === variable)?.value;
}

const unitMs: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** Go's `1h30m`; what is not understood counts as short. */
function durationMs(text: string): number {
  if (text === '0') return 0;
  if (!/^(?:\d+(?:\.\d+)?(?:ms|h|m|s))+$/.test(text)) return 1;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)];
  return parts.reduce((sum, [, amount, unit = '']) => sum + Number(amount) * (unitMs[unit] ?? 0), 0);
}
