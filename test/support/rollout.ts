/** One node's update from plan to end, on a running stack, and what to look at afterwards. */
import { isCritical } from '../../src/core/approval.ts';
import type { ChangeAnswer } from '../../src/core/change.ts';
import type { EtcdEndpoint } from '../../src/core/cluster.ts';
import type { Baseline } from '../../src/core/fleet.ts';
import { hasEnded, type Operation } from '../../src/core/operation.ts';
import type { Plan, PlanTarget } from '../../src/core/plan.ts';
import { type FirmwareChange, isFirmware } from '../../src/core/planned-change.ts';
import type { Effect } from '../../src/lab/effect-log.ts';
import type { LabSite } from '../../src/lab/lab.ts';
import { changes, isHandOver } from './audit.ts';
import { Browser } from './browser.ts';
import { changeConfig, eventually, type Stack } from './stack.ts';

export type Planned = { plan: string; digest: string };

/** A stored plan that updates one node; asks for nothing. */
export async function planFlash(stack: Stack, node: string): Promise<Planned> {
  const image = stack.lab.images.find(candidate => candidate.vendor === stack.lab.node(node).vendor)?.id;
  const asker = await stack.client('requester');
  const { output } = await asker.callTool('flashFirmware', { node, image, deleteEmptyDir: true, dryRun: true });
  return output as unknown as ChangeAnswer;
}

export async function planSite(stack: Stack, site: string): Promise<Planned & { full: Plan }> {
  const asker = await stack.client('requester');
  const { output } = await asker.callTool('planFirmwareRollout', { site, deleteEmptyDir: true });
  const { plan, digest } = output as unknown as { plan: Plan; digest: string };
  return { plan: plan.id, digest, full: plan };
}

/** Asks, and another person approves. Answers the operation's id. */
export async function approve(stack: Stack, { plan, digest }: Planned): Promise<string> {
  const asker = await stack.client('requester');
  const { approval = '' } = (await asker.callTool('startPlan', { plan, digest })).output as unknown as ChangeAnswer;
  const voter = await stack.client('approver');
  const passphrase = stack.passphrase('approver');
  if (!isCritical((await voter.approval(approval)).approval))
    return (await voter.vote(approval, { vote: 'approve', reason: 'go', passphrase })).operation ?? '';
  await approveOnPage(stack, approval);
  return (await voter.approval(approval)).approval.operation ?? '';
}

/** As people do for what is critical: logged in there, and with the passphrase again. */
async function approveOnPage(stack: Stack, approval: string): Promise<void> {
  const browser = new Browser();
  const passphrase = stack.passphrase('approver');
  const [, person] = stack.config.people;
  const page = `/approvals/${approval}`;
  const logIn = await browser.open(`${stack.service().ready.url}${page}`);
  const shown = await browser.submit(logIn, '/auth/passphrase', { name: person.name, passphrase });
  await browser.submit(shown, `${page}/vote`, { vote: 'approve', reason: 'go', passphrase });
}

export async function flash(stack: Stack, node: string): Promise<Operation> {
  return ended(stack, await approve(stack, await planFlash(stack, node)));
}

/** However long it has to wait for its turn: the limit is that of the test. */
export async function ended(stack: Stack, operation: string): Promise<Operation> {
  const client = await stack.client('requester');
  return eventually(
    `${operation} to end`,
    async () => {
      const seen = (await client.operationEvents(operation, { after: 0, waitMs: 0 })).operation;
      return hasEnded(seen.state) ? seen : undefined;
    },
    600_000,
  );
}

/** The service of a moment later, with another configuration. */
export async function reconfigure(stack: Stack, change: (document: LabDocument) => void): Promise<void> {
  await stack.kill();
  await changeConfig(stack.config.file, change);
  await stack.start();
}

type NodeEntry = { name: string; server: { serial: string; bmc: { url: string; spki: string } } };
export type LabDocument = {
  people: { name: string; groups: string[]; passphrase?: string }[];
  rollout: Record<string, unknown>;
  approvals?: Record<string, number>;
  assistant?: Record<string, unknown>;
  firmware: { id: string; version: string; needs?: string; backTo?: string; file: string; sha256: string }[];
  baselines: Baseline[];
  sites: {
    name: string;
    imageListener: { advertise: string };
    clusters: { budget: { maxUnavailable: number }; etcd?: EtcdEndpoint[]; nodes: NodeEntry[] }[];
  }[];
};

/** The images of a target, in the order in which it gets them. */
export function firmwareOf(target: PlanTarget | undefined): FirmwareChange[] {
  return (target?.changes ?? []).filter(isFirmware);
}

/**
 * What reached this node, oldest first: `cordon`, `flash`, `reset`, `uncordon`, `explain`, each as often as it was sent. A
 * write that met a newer version of its Node changed nothing, and is not counted.
 */
export function reached(stack: Stack, node: string): string[] {
  const met = changes(stack.lab.effects.since()).filter(({ status }) => status !== 409);
  return met.flatMap(effect => wordOf(effect, node) ?? []);
}

function wordOf({ kind, name, path, body }: Effect, node: string): string | undefined {
  if (kind === 'bmc') {
    if (name !== node) return undefined;
    if (isHandOver(path)) return 'flash';
    if (path.includes('StartUpdate')) return 'write';
    return path.includes('Reset') ? 'reset' : path;
  }
  if (path !== `/api/v1/nodes/${node}`) return undefined;
  const text = JSON.stringify(body);
  if (text.includes('"unschedulable":false')) return 'uncordon';
  return text.includes('cordoned-by') ? 'cordon' : 'explain';
}

export function siteOf(stack: Stack, node: string): LabSite {
  const site = stack.lab.sites.find(candidate => candidate.nodes.some(each => each.name === node));
  if (!site) throw new Error(`no site has ${node}`);
  return site;
}

/** Whether the cluster itself says so. */
export function isCordoned(stack: Stack, node: string): boolean {
  return siteOf(stack, node).cluster.store.get('nodes', { name: node })?.spec.unschedulable === true;
}

/**
 * The node that the one pod of `media/single` runs on, behind a budget that lets it go only once another pod is healthy,
 * which no node takes.
 */
export async function pinned(site: LabSite): Promise<{ node: string; unpin(): void }> {
  const { store } = site.cluster;
  const ref = { namespace: 'media', name: 'pinned' };
  store.create('poddisruptionbudgets', {
    metadata: ref,
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'single' } } },
    status: {},
  });
  store.create('pods', {
    metadata: { ...ref, labels: { app: 'single' } },
    spec: { containers: [{ name: 'c', image: 'i' }], nodeSelector: { 'groundskeeper.test/nowhere': 'yes' } },
    status: { phase: 'Pending' },
  });
  const node = await eventually('the single pod to run', async () => {
    const pod = store
      .list('pods')
      .find(each => each.metadata.labels?.app === 'single' && each.metadata.name !== ref.name);
    return pod?.status.phase === 'Running' ? pod.spec.nodeName : undefined;
  });
  await eventually('the budget to count both', async () =>
    store.get('poddisruptionbudgets', ref)?.status.expectedPods === 2 ? true : undefined,
  );
  return {
    node,
    unpin() {
      store.remove('poddisruptionbudgets', ref);
      store.remove('pods', ref);
    },
  };
}

/** Waits until the drain of an operation waits for a budget. */
export async function blockedDrain(stack: Stack, operation: string): Promise<void> {
  const client = await stack.client('requester');
  await eventually('the drain to wait for a budget', async () => {
    const { events } = await client.operationEvents(operation, { after: 0, waitMs: 0 });
    return events.find(event => event.message.includes('allows no disruption'));
  });
}
