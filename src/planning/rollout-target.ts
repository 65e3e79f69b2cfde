/**
 * Whether one node takes part in a rollout, and with what: the facts of it and of its cluster lead to a target, or to the
 * reason why it is left out. Pure; the same facts give the same answer.
 */
import { type Fact, factValue, type ServerMakeup, showFact, unknown } from '../core/bmc.ts';
import type { DaemonSetFacts, NodeFacts, PdbFacts, PodFacts } from '../core/cluster-facts.ts';
import { zoneLabel } from '../core/cluster-marks.ts';
import type { FleetCluster, FleetNode, NodeRole } from '../core/fleet.ts';
import type { Storage } from '../core/hardware.ts';
import type { DrainForecast, PlanTarget } from '../core/plan.ts';
import { unavailableOf } from './blast.ts';
import { cohortOf } from './cohort.ts';
import type { DrainOptions } from './drain-filter.ts';
import { drainPreview } from './drain-preview.ts';
import { criticalPart, type Evidence, evidenceAgainst, pausedFor, pauseWarning, roleOf } from './evidence.ts';
import { sameMachine } from './identity.ts';
import { lostBy } from './last-of-its-kind.ts';
import { pdbGroupsOfNode, qualifiedName } from './pdb-groups.ts';
import { alongside, othersText } from './shared-bmc.ts';
import { type BiosFacts, type Wanted, type WantedRequest, wantedChanges } from './wanted-changes.ts';

export type ClusterFacts = { nodes: NodeFacts[]; pods: PodFacts[]; pdbs: PdbFacts[]; daemonSets: DaemonSetFacts[] };

export type Candidate = {
  entry: FleetNode;
  server: Fact<ServerMakeup>;
  node: Fact<NodeFacts>;
  /** Read where the baseline wants settings. */
  bios?: Fact<BiosFacts>;
  /** Read where an image is for drives. */
  storage?: Fact<Storage>;
  /** What is to be done, where that is not what the images say. */
  instead?: Wanted;
};

/** One cluster as it was read, and what is wanted of it. */
export type ClusterPart = Pick<WantedRequest, 'images' | 'settings'> & {
  cluster: FleetCluster;
  facts: ClusterFacts;
  evidence: Evidence;
  candidates: Candidate[];
};

/** What holds for all clusters of a rollout. */
export type RolloutChoices = Omit<WantedRequest, 'images' | 'settings'> & {
  clusters: ClusterPart[];
  /** Somebody named the very nodes: what else would be left out of a rollout is for policy to judge. */
  named?: boolean;
  /** The control plane is asked for too. */
  controlPlane?: boolean;
  /** The asker knows that a role or zone is left without capacity. */
  declareOutage?: boolean;
  /** Every node, of all clusters. */
  fleet: FleetNode[];
  drain: DrainOptions;
};

export type RolloutRequest = ClusterPart & RolloutChoices;

export type Judged = { target: PlanTarget; warnings: string[] } | { excluded: string };

export function judge(request: RolloutRequest, { entry, server, node, bios, storage, instead }: Candidate): Judged {
  const excluded = (reason: string) => ({ excluded: reason });
  const against = evidenceAgainst(entry, request.evidence, factValue(node)?.role);
  if (against) return excluded(against);
  const role = roleOf(entry, request.evidence.etcd, factValue(node)?.role);
  if (role === 'control-plane' && !request.named && !request.controlPlane)
    return excluded('a part of the control plane, which is left out unless it is asked for');
  if ('unknown' in server) return excluded(`its BMC: ${server.unknown}`);
  if ('unknown' in node) return excluded(`Kubernetes: ${node.unknown}`);
  const { identity } = server.value;
  const uuid = factValue(identity.uuid);
  if (!uuid || !sameMachine(uuid, node.value.systemUuid))
    return excluded(
      `identity: Redfish UUID ${showFact(identity.uuid)} is not the Node's systemUUID ${node.value.systemUuid}`,
    );
  const about = { name: entry.name, server: server.value, ...(bios ? { bios } : {}), ...(storage ? { storage } : {}) };
  const wanted = instead ?? wantedChanges(request, about);
  if ('excluded' in wanted) return wanted;
  return judgeWay(request, { entry, server: server.value, node: node.value, role, wanted });
}

type Way = {
  entry: FleetNode;
  server: ServerMakeup;
  node: NodeFacts;
  role: NodeRole;
  wanted: Exclude<Wanted, { excluded: string }>;
};

/** Whether what brings the changes into force can be done to this node: to its server, to those beside it, and to its pods. */
function judgeWay(request: RolloutRequest, { entry, server, node, role, wanted }: Way): Judged {
  const others = alongside(request.fleet, entry);
  const lost = lostBy(
    [entry, ...others].map(({ name }) => name),
    request.facts.nodes,
  );
  if (lost.length > 0 && !request.named && !request.declareOutage)
    return { excluded: `it is the last that takes pods of ${lost.join(' and ')}, and no outage is declared` };
  const against = againstOthers(request, others);
  if (against) return { excluded: against };
  const told = othersText(others, server);
  if (told !== undefined && wanted.changes.some(({ activation }) => activation === 'power-cycle'))
    return { excluded: `its update needs a power cycle, which would take the power from ${told} too` };
  const forecast = forecastDrain(request, entry.name);
  if (forecast.block.length > 0) {
    const why = forecast.block.map(block => `${block.pod}: ${block.reason}`).join('; ');
    return { excluded: `the drain would stop: ${why}` };
  }
  const pauses = pausedFor(entry, request.evidence);
  return {
    target: {
      ...targetBase(entry, server, node),
      role,
      ...(pauses.length > 0 ? { pauses } : {}),
      ...(others.length > 0 ? { alongside: others.map(({ name }) => name) } : {}),
      drain: forecast,
      changes: wanted.changes,
      cohort: cohortOf(server, wanted.changes),
    },
    warnings: [
      ...wanted.warnings,
      ...forecast.warnings,
      ...pauseWarning(entry.name, pauses),
      ...(told === undefined ? [] : [`the same BMC serves ${told}: they are counted with this one`]),
    ],
  };
}

/** Those beside it may go down with it: no part of a control plane, and nowhere more than the budget leaves. */
function againstOthers({ clusters, cluster: own }: RolloutRequest, others: FleetNode[]): string | undefined {
  for (const other of others) {
    const part = clusters.find(({ cluster }) => cluster.name === other.cluster);
    const seen = part?.facts.nodes.find(({ name }) => name === other.name)?.role;
    const critical = criticalPart(other, part?.evidence.etcd ?? unknown('not read'), seen);
    if (critical) return `the same BMC serves ${other.name}, a ${critical}`;
  }
  const names = others.map(({ name }) => name);
  for (const { cluster, facts } of clusters) {
    const there = others.filter(other => other.cluster === cluster.name).length;
    const width = there + (cluster === own ? 1 : 0);
    const { maxUnavailable } = cluster.budget;
    const room = (Number.isSafeInteger(maxUnavailable) ? maxUnavailable : 0) - unavailableOf(facts.nodes).length;
    // With no room at all nothing can be planned in its own cluster, and that is what is said then.
    if (there === 0 || (cluster === own && room < 1) || width <= room) continue;
    return `its BMC serves ${names.join(', ')} too: ${width} nodes count at once, and the budget leaves ${room}`;
  }
  return undefined;
}

/** A target without what a particular kind of plan adds. */
export function targetBase(entry: FleetNode, server: ServerMakeup, node: NodeFacts): PlanTarget {
  const { identity } = server;
  return {
    node: entry.name,
    site: entry.site,
    cluster: entry.cluster,
    role: entry.role,
    nodeUid: node.uid,
    systemUuid: node.systemUuid,
    serial: identity.serial,
    model: identity.model,
    vendor: identity.vendor,
    bmcUrl: entry.server.bmcUrl,
    systemUri: identity.systemUri,
    zone: node.labels[zoneLabel],
    ...(entry.server.rack === undefined ? {} : { rack: entry.server.rack }),
    cohort: cohortOf(server),
  };
}

/** What a drain of this node would meet now. */
export function forecastDrain({ facts, drain }: Pick<RolloutRequest, 'facts' | 'drain'>, node: string): DrainForecast {
  const pods = facts.pods.filter(pod => pod.node === node);
  const preview = drainPreview({
    pods,
    clusterPods: facts.pods,
    pdbs: facts.pdbs,
    daemonSets: facts.daemonSets,
    options: drain,
  });
  const told = ({ pod, reason }: { pod: PodFacts; reason: string }) => ({ pod: qualifiedName(pod), reason });
  return {
    evict: preview.evictions.map(qualifiedName),
    skip: preview.skipped.map(told),
    block: preview.blocked.map(told),
    warnings: preview.warnings,
    pdbs: pdbGroupsOfNode(node, facts.pods, facts.pdbs),
  };
}
