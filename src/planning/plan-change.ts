/** Makes the one-node plans: cordon, drain, taint, power, and what is changed on a BMC. Pure. */
import { type BiosChange, showBiosChange } from '../core/bios.ts';
import { type Fact, factValue, known, type ServerMakeup, showFact, unknown } from '../core/bmc.ts';
import type { PlannedBmcChange } from '../core/bmc-change.ts';
import type { EtcdFacts, NodeFacts } from '../core/cluster-facts.ts';
import { cordonReason, outOfService } from '../core/cluster-marks.ts';
import { FleetError } from '../core/errors.ts';
import type { FleetCluster, FleetNode } from '../core/fleet.ts';
import type { HealthAct, PlanDraft, PlanKind, PlanStep, TaintChange } from '../core/plan.ts';
import { biosChangeSet } from '../core/planned-change.ts';
import type { CheckedBios } from './bios-settings.ts';
import { unavailableOf } from './blast.ts';
import type { DrainOptions } from './drain-filter.ts';
import { criticalPart, type Evidence, evidenceAgainst, pausedFor, pauseWarning, roleOf } from './evidence.ts';
import { sameMachine } from './identity.ts';
import { lostBy, lostWarning } from './last-of-its-kind.ts';
import { qualifiedName } from './pdb-groups.ts';
import { disrupts, empties, endangersEtcd, takesCapacity, takesNothing } from './plan-kinds.ts';
import { recoverySteps, stepsOf, taintSteps, undrainedSteps } from './plan-steps.ts';
import { losesQuorum } from './quorum.ts';
import { type ClusterFacts, forecastDrain, targetBase } from './rollout-target.ts';
import { alongside, othersText } from './shared-bmc.ts';
import { isSilent } from './silent.ts';
import { goesFrom } from './taints.ts';

export type ChangeRequest = {
  kind: Exclude<PlanKind, 'firmware-rollout'>;
  action: string;
  cluster: FleetCluster;
  entry: FleetNode;
  server: ServerMakeup;
  node: NodeFacts;
  facts: ClusterFacts;
  drain: DrainOptions;
  /** Demanded for what disrupts the node. */
  evidence?: Evidence;
  /** Of a taint plan. */
  taint?: TaintChange;
  /** Of a restart or power-off of a node that is silent. */
  undrained?: boolean;
  /** Of a BMC change. */
  bmcChange?: PlannedBmcChange;
  /** Of a BIOS change. */
  bios?: CheckedBios;
  /** Settings that wait on the BMC; read for what starts the host, or the BMC. */
  waiting?: Fact<BiosChange[]>;
  /** Of what starts the host: it may bring them into force. */
  applyWaiting?: boolean;
  /** Of what the watch over servers asks for. */
  health?: HealthAct;
  /** Every node, of all clusters; those of this one unless given. */
  fleet?: FleetNode[];
  /** The asker knows that a role or zone is left without capacity. */
  declareOutage?: boolean;
  /** Why the program itself asks for it. */
  because?: string;
};

/** Kinds that touch the power of a server. */
const powering = new Set<PlanKind>(['restart', 'power-off', 'power-on', 'bios-change']);

/** Throws `identity_mismatch` when BMC and Node are not proved one machine, `precondition_failed` when the drain would stop. */
export function planChange(request: ChangeRequest): PlanDraft {
  const { kind, cluster, entry, server, node, facts, undrained = false } = request;
  const uuid = factValue(server.identity.uuid);
  if (!uuid || !sameMachine(uuid, node.systemUuid))
    throw new FleetError({
      code: 'identity_mismatch',
      message: `${entry.name}: Redfish UUID ${showFact(server.identity.uuid)} is not the Node's systemUUID ${node.systemUuid}`,
      hint: 'check which BMC address belongs to this node in groundskeeper.yaml',
    });
  if (disrupts(request)) refuseAgainst(request);
  if (undrained && !isSilent(node))
    throw new FleetError({
      code: 'precondition_failed',
      message: `Kubernetes hears from ${entry.name}: its pods can be moved, so it is drained first`,
      hint: 'leave out --undrained',
    });
  const starts = kind === 'restart' || kind === 'power-on';
  if (starts && !request.applyWaiting) refuseWaiting(request);
  const forecast = empties(kind) && !undrained ? forecastDrain(request, entry.name) : undefined;
  if (forecast && forecast.block.length > 0) {
    const why = forecast.block.map(block => `${block.pod}: ${block.reason}`).join('; ');
    throw new FleetError({ code: 'precondition_failed', message: `the drain of ${entry.name} would stop: ${why}` });
  }
  const pauses = disrupts(request) && request.evidence ? pausedFor(entry, evidenceFor(request.evidence, kind)) : [];
  const down = unavailableOf(facts.nodes);
  const resetsBmc = request.bmcChange?.act === 'reset-bmc';
  const others = powering.has(kind) || resetsBmc ? alongside(request.fleet ?? cluster.nodes, entry) : [];
  const etcd = request.evidence?.etcd ?? unknown('etcd was not read');
  const role = roleOf(entry, etcd, node.role);
  if (endangersEtcd(request)) refuseBeside(request, etcd, others);
  const leaving = [entry, ...others].map(({ name }) => name);
  const lost = takesCapacity(request) ? lostBy(leaving, facts.nodes) : [];
  const left = node.annotations[cordonReason];
  const recovers = request.bmcChange?.act === 'reset-bmc' && request.bmcChange.recover === true;
  const deleted = request.taint ? deletedBy(request.taint, request) : [];
  return {
    kind,
    action: request.action,
    scopes: [
      {
        site: cluster.site,
        cluster: cluster.name,
        budget: cluster.budget,
        blast: {
          peakUnavailable: takesNothing(kind)
            ? down.length
            : new Set([...down, ...here(cluster, [entry, ...others])]).size,
          targets: 1 + others.length,
          controlPlane: (kind === 'uncordon' || !takesNothing(kind)) && role === 'control-plane' ? 1 : 0,
          quorumLost: endangersEtcd(request) && role === 'control-plane' && losesQuorum(etcd, [entry.name]),
          lastOf: lost,
        },
      },
    ],
    targets: [
      {
        ...targetBase(entry, server, node),
        role,
        ...(others.length > 0 ? { alongside: others.map(({ name }) => name) } : {}),
        ...(forecast ? { drain: forecast } : {}),
        ...(pauses.length > 0 ? { pauses } : {}),
        ...(request.bios ? { changes: [biosChangeSet(request.bios.changes)] } : {}),
        ...(starts && request.applyWaiting && request.waiting ? { waitingBios: request.waiting } : {}),
      },
    ],
    waves: [[entry.name]],
    canaries: [],
    limits: { maxSites: 1, cohortFailures: 1, failures: 1, lostSites: 1 },
    steps: stepsFor(request, recovers),
    excluded: [],
    ...(request.declareOutage ? { declaredOutage: true } : {}),
    drain: request.drain,
    ...(request.taint ? { taint: request.taint } : {}),
    ...(undrained ? { undrained } : {}),
    ...(request.bmcChange ? { bmcChange: request.bmcChange } : {}),
    ...(request.health ? { health: request.health } : {}),
    warnings: [
      ...lost.map(lostWarning),
      ...(forecast?.warnings ?? []),
      ...pauseWarning(entry.name, pauses),
      ...(request.taint ? taintWarnings(request.taint, deleted) : []),
      ...(kind === 'uncordon' && left ? [`it was left cordoned: ${left}`] : []),
      ...(undrained ? ['the node is silent, but its pods may still run: they are cut off, not moved'] : []),
      ...(kind === 'power-on' && node.taints.some(({ key }) => key === outOfService)
        ? [`the taint ${outOfService} stays: remove it with taint-node once the node is back, or pods leave it again`]
        : []),
      ...(request.bios?.follows ?? []).map(set => `the BIOS sets by itself then: ${set}`),
      ...(request.because ? [`asked for by Groundskeeper itself: ${request.because}`] : []),
      ...(recovers
        ? ['a task on the BMC is taken for stuck: if it still wrote firmware, the restart would damage it']
        : []),
      ...(powering.has(kind) || resetsBmc ? sharedWarnings(request, others) : []),
      ...waitingWarnings(request, starts),
      ...(kind === 'power-off' ? ['the node stays cordoned and off until it is switched on and uncordoned'] : []),
    ],
    irreversible: [
      ...(request.bios || (starts && waitingText(request.waiting) !== undefined)
        ? ['a setting may keep the server from starting; going back is another plan, or its setup']
        : []),
      ...(forecast ? ['evicted pods are deleted and started elsewhere'] : []),
      ...(deleted.length > 0 ? [`deleted without asking any budget: ${deleted.join(', ')}`] : []),
    ],
    soakMs: 0,
  };
}

function stepsFor(request: ChangeRequest, recovers: boolean): PlanStep[] {
  const { kind, undrained } = request;
  if (kind === 'taint') return taintSteps(disrupts(request));
  return undrained ? undrainedSteps(kind) : recovers ? recoverySteps() : stepsOf[kind];
}

/** What is switched off for good is not given back to those that would switch it on again: a person pauses them. */
function evidenceFor(evidence: Evidence, kind: PlanKind): Evidence {
  return kind === 'power-off' ? { ...evidence, pauses: false } : evidence;
}

function refuseAgainst({ kind, entry, evidence, node }: ChangeRequest): void {
  const against = evidence
    ? evidenceAgainst(entry, evidenceFor(evidence, kind), node.role)
    : 'nothing was read that could speak for it';
  if (against)
    throw new FleetError({
      code: 'precondition_failed',
      message: `${entry.name} is not ${kind === 'taint' ? 'tainted' : 'drained'}: ${against}`,
    });
}

/** What hangs on the same BMC may go down with it: quorum is proved for the node itself alone. */
function refuseBeside({ facts }: ChangeRequest, etcd: Fact<EtcdFacts>, others: FleetNode[]): void {
  for (const other of others) {
    const critical = criticalPart(other, etcd, facts.nodes.find(({ name }) => name === other.name)?.role);
    if (critical)
      throw new FleetError({
        code: 'precondition_failed',
        message: `the same BMC serves ${other.name}, a ${critical}`,
      });
  }
}

/** Names of those of this cluster, whose budget it is. */
function here({ name }: FleetCluster, nodes: FleetNode[]): string[] {
  return nodes.filter(({ cluster }) => cluster === name).map(node => node.name);
}

function sharedWarnings({ server, bmcChange }: ChangeRequest, others: FleetNode[]): string[] {
  const told = othersText(others, server);
  if (told === undefined) return [];
  const effect = bmcChange ? 'nothing reaches them either while it restarts' : 'they are counted with this one';
  return [`the same BMC serves ${told}: ${effect}`];
}

const biosShown = 10;

/** `Name old → new` of each, or why they are not known; undefined where nothing waits. */
function waitingText(waiting: Fact<BiosChange[]> = known([])): string | undefined {
  if ('unknown' in waiting) return `what waits is not known (${waiting.unknown})`;
  if (waiting.value.length === 0) return undefined;
  const changes = waiting.value.slice(0, biosShown).map(showBiosChange).join(', ');
  const more = waiting.value.length - biosShown;
  return more > 0 ? `${changes} and ${more} more` : changes;
}

function refuseWaiting({ entry, waiting }: ChangeRequest): void {
  const text = waitingText(waiting);
  if (text === undefined) return;
  throw new FleetError({
    code: 'precondition_failed',
    message: `a start of ${entry.name} would bring BIOS settings into force that somebody left on its BMC: ${text}`,
    hint: 'take them back on the BMC, or say that this start may apply them: --apply-waiting',
  });
}

function waitingWarnings({ waiting, bmcChange }: ChangeRequest, starts: boolean): string[] {
  const text = waitingText(waiting);
  if (text === undefined) return [];
  if (starts) return [`this start brings BIOS settings into force that wait on the BMC: ${text}`];
  if (bmcChange?.act !== 'reset-bmc') return [];
  return [`BIOS settings wait on the BMC, and its restart may lose them: ${text}`];
}

/** The node's pods that a new NoExecute taint deletes, now or after the time for which they tolerate it. */
function deletedBy({ taint, remove }: TaintChange, { facts, entry }: ChangeRequest): string[] {
  if (remove || taint.effect !== 'NoExecute') return [];
  return facts.pods.filter(pod => pod.node === entry.name && goesFrom(taint, pod)).map(qualifiedName);
}

function taintWarnings({ taint, remove }: TaintChange, deleted: string[]): string[] {
  if (remove) return [];
  return [
    ...(deleted.length > 0
      ? [`NoExecute deletes ${deleted.length} pods, whatever their PodDisruptionBudgets say; drain-node would ask them`]
      : []),
    ...(taint.key === outOfService
      ? ['Kubernetes forgets the pods of this node and detaches their volumes by force']
      : []),
  ];
}
