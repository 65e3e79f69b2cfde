/**
 * Whether one node takes part in a rollout, and with what: the facts of it and of its cluster lead to a target, or to the
 * reason why it is left out. Pure; the same facts give the same answer.
 */
import { type Fact, factValue, type ServerHealth, showFact } from '../core/bmc.ts';
import type { DaemonSetFacts, NodeFacts, PdbFacts, PodFacts } from '../core/cluster.ts';
import type { FirmwareImage, FleetCluster, FleetNode } from '../core/fleet.ts';
import type { DrainForecast, PlanTarget } from '../core/plan.ts';
import { unavailableOf } from './blast.ts';
import { type Compliance, complianceOf } from './compliance.ts';
import type { DrainOptions } from './drain-filter.ts';
import { drainPreview } from './drain-preview.ts';
import { criticalPart, type Evidence, evidenceAgainst } from './evidence.ts';
import { sameMachine } from './identity.ts';
import { pdbGroupsOfNode, qualifiedName } from './pdb-groups.ts';
import { alongside, othersText } from './shared-bmc.ts';
import { versionPath } from './version-path.ts';

export type ClusterFacts = { nodes: NodeFacts[]; pods: PodFacts[]; pdbs: PdbFacts[]; daemonSets: DaemonSetFacts[] };

export type RolloutRequest = {
  action: string;
  cluster: FleetCluster;
  facts: ClusterFacts;
  evidence: Evidence;
  candidates: { entry: FleetNode; server: Fact<ServerHealth>; node: Fact<NodeFacts> }[];
  images: FirmwareImage[];
  /** Images that nodes may go by on the way to a wanted one. */
  stones: FirmwareImage[];
  /** Somebody asked for going back. */
  downgrade?: boolean;
  /** Every node, of all clusters. */
  fleet: FleetNode[];
  drain: DrainOptions;
  canary: number;
  soakMs: number;
};

type Judged = { target: PlanTarget; warnings: string[] } | { excluded: string };

/** The failure domain that a node says it is in. */
export const zoneLabel = 'topology.kubernetes.io/zone';

/** Those of the cluster, whose budget it is. */
export function here({ cluster }: RolloutRequest, names: string[]): string[] {
  return names.filter(name => cluster.nodes.some(each => each.name === name));
}

export function judge(request: RolloutRequest, { entry, server, node }: RolloutRequest['candidates'][number]): Judged {
  const excluded = (reason: string) => ({ excluded: reason });
  const against = evidenceAgainst(entry, request.evidence, factValue(node)?.role);
  if (against) return excluded(against);
  if ('unknown' in server) return excluded(`its BMC: ${server.unknown}`);
  if ('unknown' in node) return excluded(`Kubernetes: ${node.unknown}`);
  const { identity, firmware } = server.value;
  const uuid = factValue(identity.uuid);
  if (!uuid || !sameMachine(uuid, node.value.systemUuid))
    return excluded(
      `identity: Redfish UUID ${showFact(identity.uuid)} is not the Node's systemUUID ${node.value.systemUuid}`,
    );
  const compliances = complianceOf(
    { name: entry.name, model: identity.model, vendor: identity.vendor, firmware },
    request.images,
  );
  const behind = compliances.filter(compliance => isToDo(compliance, request.downgrade ?? false));
  const [change] = behind;
  if (!change) return excluded(whyNot(compliances));
  const wanted = request.images.find(candidate => candidate.id === change.image);
  const from = factValue(change.have);
  const model = factValue(identity.model);
  if (!wanted || !from || !model || wanted.vendor !== identity.vendor)
    return excluded(`${change.component}: ${showFact(change.have)}`);
  const { stones, downgrade = false } = request;
  const path = versionPath({ have: from, wanted, stones, model, downgrade });
  if ('refused' in path) return excluded(path.refused);
  if (behind.length > 1)
    return excluded(`${behind.length} components are behind; one component a plan in this version`);
  return judgeWay(request, { entry, server: server.value, node: node.value, from, path });
}

type Way = {
  entry: FleetNode;
  server: ServerHealth;
  node: NodeFacts;
  from: string;
  path: Exclude<ReturnType<typeof versionPath>, { refused: string }>;
};

/** Whether what brings the image into force can be done to this node: to its server, to those beside it, and to its pods. */
function judgeWay(request: RolloutRequest, { entry, server, node, from, path }: Way): Judged {
  const { image } = path;
  const activation = server.activations[image.component];
  if ('unknown' in activation) return { excluded: activation.unknown };
  const others = alongside(request.fleet, entry);
  const against = againstOthers(request, others);
  if (against) return { excluded: against };
  const told = othersText(others, server);
  if (told !== undefined && activation.value === 'power-cycle')
    return { excluded: `its update needs a power cycle, which would take the power from ${told} too` };
  const forecast = forecastDrain(request, entry.name);
  if (forecast.block.length > 0) {
    const why = forecast.block.map(block => `${block.pod}: ${block.reason}`).join('; ');
    return { excluded: `the drain would stop: ${why}` };
  }
  const firmware = {
    component: image.component,
    image: image.id,
    from,
    to: image.version,
    sha256: image.sha256,
    activation: activation.value,
    ...(path.downgrade ? { downgrade: true as const } : {}),
  };
  return {
    target: {
      ...targetBase(entry, server, node),
      ...(others.length > 0 ? { alongside: others.map(({ name }) => name) } : {}),
      drain: forecast,
      firmware,
    },
    warnings: [
      ...path.warnings,
      ...forecast.warnings,
      ...(told === undefined ? [] : [`the same BMC serves ${told}: they are counted with this one`]),
    ],
  };
}

/** Those beside it may go down with it: no part of the control plane, and no more than the budget leaves. */
function againstOthers(request: RolloutRequest, others: FleetNode[]): string | undefined {
  const { cluster, evidence, facts } = request;
  for (const other of others) {
    const seen = facts.nodes.find(({ name }) => name === other.name)?.role;
    const critical = criticalPart(other, evidence.etcd, seen);
    if (critical) return `the same BMC serves ${other.name}, a ${critical}`;
  }
  const names = others.map(({ name }) => name);
  const width = 1 + here(request, names).length;
  const room = cluster.budget.maxUnavailable - unavailableOf(facts.nodes).length;
  // With no room at all nothing can be planned, and that is what is said then.
  if (width === 1 || !(room >= 1) || width <= room) return undefined;
  return `its BMC serves ${names.join(', ')} too: ${width} nodes count at once, and the budget leaves ${room}`;
}

/** Where going back was asked for, so is what runs a newer version, or one whose order is not known. */
function isToDo({ status, have }: Compliance, downgrade: boolean): boolean {
  if (status === 'behind') return true;
  return downgrade && (status === 'ahead' || status === 'unknown') && 'value' in have;
}

/** A target without what a particular kind of plan adds. */
export function targetBase(entry: FleetNode, server: ServerHealth, node: NodeFacts): PlanTarget {
  const { identity } = server;
  return {
    node: entry.name,
    role: entry.role,
    nodeUid: node.uid,
    systemUuid: node.systemUuid,
    serial: identity.serial,
    model: identity.model,
    vendor: identity.vendor,
    bmcUrl: entry.server.bmcUrl,
    systemUri: identity.systemUri,
    zone: node.labels[zoneLabel],
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

function whyNot(compliances: ReturnType<typeof complianceOf>): string {
  const relevant = compliances.filter(compliance => compliance.status !== 'not-applicable');
  if (relevant.length === 0)
    return `none of the wanted images (${compliances.map(each => each.image).join(', ') || 'no baseline'}) is for its model`;
  return relevant
    .map(
      ({ component, have, want, status, reason }) =>
        `${component} is ${status}: has ${showFact(have)}, wanted ${want}${reason ? ` (${reason})` : ''}`,
    )
    .join('; ');
}
