/**
 * What is known of etcd, by the evidence that the cluster offers: an endpoint
 * of each member where the configuration lists them, else the static pods
 * together with every API server's own check. Neither reads a Secret.
 */
import type { V1Pod } from '@kubernetes/client-node';
import { type Fact, known, unknown } from '../../core/bmc.ts';
import type { EtcdEndpoint } from '../../core/cluster.ts';
import type { EtcdFacts, EtcdMember, NodeFacts } from '../../core/cluster-facts.ts';
import { readEtcdChecks } from './api-servers.ts';
import { readEndpoints } from './etcd-endpoints.ts';
import { nodeFacts } from './facts.ts';
import type { Reach } from './reach.ts';
import { readList } from './reading.ts';

const mirror = 'kubernetes.io/config.mirror';

/** Throws FleetError when nodes or pods cannot be read; what a member does not tell is unknown in the facts. */
export async function readEtcd(reach: Reach, endpoints: EtcdEndpoint[]): Promise<EtcdFacts> {
  const nodes = await readList(
    { ...reach.context('the nodes'), kind: 'NodeList' },
    page => reach.core.listNode(page),
    nodeFacts,
  );
  if (endpoints.length > 0) {
    const { members, unlisted } = await readEndpoints(endpoints);
    return { evidence: 'endpoints', members, ...placed(members, nodes), unlisted };
  }
  const members = await readStaticPods(reach, nodes);
  return { evidence: 'static pods and readyz', members, ...placed(members, nodes), unlisted: [] };
}

async function readStaticPods(reach: Reach, nodes: NodeFacts[]): Promise<EtcdMember[]> {
  const pods = await readList(
    { ...reach.context('the static pods of the control plane'), kind: 'PodList' },
    page => reach.core.listNamespacedPod({ namespace: 'kube-system', labelSelector: 'tier=control-plane', ...page }),
    pod => pod,
  );
  const mirrors = pods.filter(({ metadata, spec }) => metadata?.annotations?.[mirror] !== undefined && spec?.nodeName);
  const component = (name: string) => mirrors.filter(({ metadata }) => metadata?.labels?.component === name);
  const members = component('etcd');
  if (members.length === 0) return [];
  const checks = await readEtcdChecks(reach.connection, component('kube-apiserver'), nodes);
  return members.map(pod => ({
    node: pod.spec?.nodeName ?? '',
    healthy: healthOf(pod, checks),
    leader: unknown('static pods do not tell which member leads'),
  }));
}

/** Ready by its kubelet, and reachable by the API server beside it. A kubelet that died leaves its pods as they were. */
function healthOf({ spec, status, metadata }: V1Pod, checks: ReadonlyMap<string, Fact<boolean>>): Fact<boolean> {
  const node = spec?.nodeName ?? '';
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  if (ready === 'False' || metadata?.deletionTimestamp !== undefined) return known(false);
  if (ready !== 'True') return unknown(`the etcd pod on ${node} does not tell whether it is ready`);
  return checks.get(node) ?? unknown(`no API server stands beside the etcd member on ${node}`);
}

/** Control-plane nodes without a member, and members elsewhere: external etcd looks like the first, mistakes like both. */
function placed(members: EtcdMember[], nodes: NodeFacts[]): Pick<EtcdFacts, 'withoutMember' | 'outsideControlPlane'> {
  const controlPlane = nodes.filter(({ role }) => role === 'control-plane').map(({ name }) => name);
  const holders = members.map(({ node }) => node);
  return {
    withoutMember: controlPlane.filter(name => !holders.includes(name)),
    outsideControlPlane: [...new Set(holders.filter(node => !controlPlane.includes(node)))],
  };
}
