/** Nodes whose hardware fails, and what reached the cluster about them. */
import { CoreV1Api, KubeConfig, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import type { Effect } from '../../src/lab/effect-log.ts';
import type { Client } from '../../src/surfaces/cli/client.ts';
import type { FindingOutput } from '../../tools/parts/finding-output.ts';
import { changes } from './audit.ts';
import { siteOf } from './rollout.ts';
import { eventually, type Stack } from './stack.ts';

/** Two physically different sensors that each tell of something at once, and are well again once cleared. */
const faults = { drive: { kind: 'drive-predictive' }, supply: { kind: 'psu-failed' } } as const;

export function sicken(stack: Stack, node: string, ...parts: (keyof typeof faults)[]): void {
  for (const part of parts) stack.lab.node(node).server.faults.set({ ...faults[part] });
}

export function heal(stack: Stack, node: string): void {
  for (const { kind } of Object.values(faults)) stack.lab.node(node).server.faults.clear(kind);
}

export function found(client: Client, node: string, kind: string): Promise<FindingOutput> {
  return eventually(`${kind} on ${node}`, async () => {
    const { output } = await client.callTool('listFindings', { node });
    return (output as unknown as { findings: FindingOutput[] }).findings.find(finding => finding.kind === kind);
  });
}

/** Every write about this Node that Groundskeeper sent: to its object, its status, or an Event of it. */
export function writesAbout(stack: Stack, node: string): Effect[] {
  return changes(stack.lab.effects.since()).filter(
    ({ path, body }) =>
      path === `/api/v1/nodes/${node}` ||
      path === `/api/v1/nodes/${node}/status` ||
      (path.endsWith('/events') && JSON.stringify(body).includes(`"${node}"`)),
  );
}

/** `cordon` or `uncordon` with the node, in the order in which they reached the cluster. */
export function cordonsSent(stack: Stack): string[] {
  return changes(stack.lab.effects.since()).flatMap(({ path, body, status }) => {
    const node = /^\/api\/v1\/nodes\/([^/?]+)$/.exec(path)?.[1];
    const { unschedulable } = (body as { spec?: { unschedulable?: boolean } }).spec ?? {};
    // Requests of kubectl name their field manager behind the path.
    if (!node || unschedulable === undefined || status >= 300) return [];
    return [`${unschedulable ? 'cordon' : 'uncordon'} ${node}`];
  });
}

/** What `kubectl cordon` and `kubectl uncordon` send. */
export async function kubectl(stack: Stack, node: string, unschedulable: boolean | null): Promise<void> {
  const config = new KubeConfig();
  config.loadFromFile(siteOf(stack, node).adminKubeconfigFile);
  await config
    .makeApiClient(CoreV1Api)
    .patchNode(
      { name: node, body: { spec: { unschedulable } }, fieldManager: 'kubectl-cordon' },
      setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch),
    );
}

function nodeObject(stack: Stack, node: string) {
  return siteOf(stack, node).cluster.store.get('nodes', { name: node });
}

/** The Node's own word on its hardware. */
export function conditionOf(stack: Stack, node: string): { status?: string; reason?: string; message?: string } {
  const conditions: { type: string; status?: string; reason?: string; message?: string }[] =
    nodeObject(stack, node)?.status.conditions ?? [];
  return conditions.find(({ type }) => type === 'HardwareHealthy') ?? {};
}

export function eventsOf(stack: Stack, node: string): { reason: string; message: string }[] {
  const events = siteOf(stack, node).cluster.store.list('events') as unknown as {
    reason: string;
    message: string;
    involvedObject: { kind: string; name: string };
    source?: { component?: string };
  }[];
  return events.filter(
    ({ involvedObject, source }) => involvedObject.name === node && source?.component === 'groundskeeper',
  );
}
