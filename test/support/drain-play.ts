/** Plays one drain through the whole product, and gathers what is to be seen of it: on the wire, in the cluster, on record. */
import type { ChangeAnswer } from '../../src/core/change.ts';
import { cordonOwner, maintenanceCondition } from '../../src/core/cluster-marks.ts';
import { FleetError } from '../../src/core/errors.ts';
import type { Operation, OperationEvent } from '../../src/core/operation.ts';
import type { ClusterFault } from '../../src/lab/cluster/api/faults.ts';
import { conditionOf, type KubeObject } from '../../src/lab/cluster/model/objects.ts';
import type { Effect } from '../../src/lab/effect-log.ts';
import type { Client } from '../../src/surfaces/cli/client.ts';
import { arrange, evictionPath, type Fault, faultsLeft, playOut, tidy } from './drain-faults.ts';
import type { BudgetState, Kind, Place, Scene } from './drain-kinds.ts';
import { beginToEnd, endedByItself, fateOf } from './drain-pods.ts';
import { setScene, turnLate } from './drain-scene.ts';
import { follow } from './followed.ts';
import type { Stack } from './stack.ts';

/** Clients that are logged in once, and again after the service died. */
export type People = { stack: Stack; of(who: 'requester' | 'approver'): Promise<Client> };

export type Played = {
  scene: Scene;
  /** Undefined where nothing was planned. */
  answer?: ChangeAnswer;
  operation?: Operation;
  events: OperationEvent[];
  /** Why no plan was made, or how the node's part ended. */
  message: string;
  seen: Seen;
  evictions: Effect[];
  faultsLeft: ClusterFault[];
};

/** What the table says of each row. */
export type Seen = {
  operation: string | undefined;
  node: string | undefined;
  cordon: 'ours' | 'theirs' | 'none' | string;
  maintenance: string | undefined;
  told: string[];
  gone: Kind[];
  ending: Kind[];
};

export function loggedIn(stack: Stack): People {
  const known = new Map<string, { service: unknown; client: Promise<Client> }>();
  return {
    stack,
    of(who) {
      const service = stack.service();
      const found = known.get(who);
      if (found?.service === service) return found.client;
      const client = stack.client(who);
      known.set(who, { service, client });
      client.catch(() => known.delete(who));
      return client;
    },
  };
}

export type Wanted = { kinds: Kind[]; budget: BudgetState; fault: Fault };

/** Plans, has it approved, lives through it; answers also when the plan is refused. */
export async function play(people: People, place: Place, { fault, ...wanted }: Wanted): Promise<Played> {
  const { stack } = people;
  const scene = await setScene(place, wanted);
  beginToEnd(scene);
  const answer = await plan(people, scene);
  if (answer instanceof FleetError) return gather(stack, { scene, events: [], message: answer.message });
  await turnLate(scene);
  arrange(scene, fault);
  const run = follow(await approve(people, answer), () => people.of('requester'));
  await playOut({ stack, scene, fault, run });
  const operation = await run.ended;
  await endedByItself(scene);
  const message = operation.nodes[0]?.message ?? '';
  const played = gather(stack, { scene, answer, operation, events: run.events, message });
  await tidy(scene, fault);
  return played;
}

/** What a drain of these kinds has to be allowed. */
function options({ kinds }: Scene) {
  return {
    force: kinds.includes('bare') || kinds.includes('orphan'),
    deleteEmptyDir: kinds.includes('emptyDir'),
    byPriority: kinds.includes('lowPriority'),
  };
}

async function plan(people: People, scene: Scene): Promise<ChangeAnswer | FleetError> {
  const input = { node: scene.node, ...options(scene), dryRun: true };
  try {
    return (await (await people.of('requester')).callTool('drainNode', input)).output as unknown as ChangeAnswer;
  } catch (thrown) {
    return FleetError.from(thrown);
  }
}

async function approve(people: People, { plan: id, digest }: ChangeAnswer): Promise<string> {
  const asked = await (await people.of('requester')).callTool('startPlan', { plan: id, digest });
  const { approval = '' } = asked.output as unknown as ChangeAnswer;
  const passphrase = people.stack.passphrase('approver');
  const vote = { vote: 'approve', reason: 'go', passphrase } as const;
  return (await (await people.of('approver')).vote(approval, vote)).operation ?? '';
}

function gather(stack: Stack, known: Omit<Played, 'seen' | 'evictions' | 'faultsLeft'>): Played {
  const { scene, operation } = known;
  const fates = scene.kinds.map(kind => [kind, fateOf(scene, kind)] as const);
  const evictions = stack.lab.effects
    .since()
    .filter(({ name, path }) => name === scene.site.cluster.name && path.includes(`/namespaces/${scene.name}/`))
    .filter(({ path }) => path.endsWith('/eviction'));
  const seen = {
    operation: operation?.state,
    node: operation?.nodes[0]?.state,
    ...nodeNow(scene, operation?.id),
    gone: fates.flatMap(([kind, fate]) => (fate === 'gone' ? [kind] : [])),
    ending: fates.flatMap(([kind, fate]) => (fate === 'ending' ? [kind] : [])),
  };
  return { ...known, seen, evictions, faultsLeft: faultsLeft(scene) };
}

function nodeNow({ site, node }: Scene, operation: string | undefined): Pick<Seen, 'cordon' | 'maintenance' | 'told'> {
  const { store } = site.cluster;
  const found = store.get('nodes', { name: node });
  if (!found) throw new Error(`${node} is not there`);
  const owner = found.metadata.annotations?.[cordonOwner];
  const cordoned = found.spec.unschedulable === true;
  const whose = owner === undefined ? 'theirs' : owner === operation ? 'ours' : `that of ${owner}`;
  return {
    cordon: cordoned ? whose : owner === undefined ? 'none' : `none, but marked by ${owner}`,
    maintenance: conditionOf(found, maintenanceCondition)?.status,
    told: (store.list('events', 'default') as NodeEvent[])
      .filter(({ source, involvedObject }) => source?.component === 'groundskeeper' && involvedObject?.name === node)
      .toSorted((a, b) => a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp))
      .map(({ reason = '' }) => reason),
  };
}

type NodeEvent = KubeObject & { source?: { component: string }; involvedObject?: { name: string }; reason?: string };

/** The evictions of one subject that the API server carried out, and those whose answer it dropped. */
export function evictionsOf({ scene, evictions }: Played, kind: Kind): { accepted: Effect[]; unheard: Effect[] } {
  const pod = scene.subjects.get(kind)?.metadata;
  const path = pod ? evictionPath(pod) : '';
  const own = evictions.filter(effect => effect.path === path && uidOf(effect) === pod?.uid);
  return {
    accepted: own.filter(({ status }) => status >= 200 && status < 300),
    unheard: own.filter(({ status }) => status === 0),
  };
}

export function uidOf({ body }: Effect): string | undefined {
  const { deleteOptions } = body as { deleteOptions?: { preconditions?: { uid?: string } } };
  return deleteOptions?.preconditions?.uid;
}
