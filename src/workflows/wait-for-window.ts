/**
 * Plans that may wait for a maintenance window: a node whose site has none open, or too little left of one, stays as it is and
 * tells which it waits for. Nothing of this is kept, so a restart asks the calendar again, and whatever stops an operation
 * stops it while it waits.
 */
import type { Operation, OperationNode } from '../core/operation.ts';
import type { Plan } from '../core/plan.ts';
import type { WindowFacts } from '../core/policy.ts';
import type { Parts } from '../operations/job.ts';

/** What a node may need from its start to its first effect, in milliseconds: there the guard asks whether it fits. */
const startMs = 60_000;

/** Those of the nodes that may begin by the calendars of their sites: all of them where the plan does not wait. */
export async function insideWindows(
  { records, windowOf }: Pick<Parts, 'records' | 'windowOf'>,
  { operation, plan }: { operation: Operation; plan: Plan },
  waiting: OperationNode[],
): Promise<OperationNode[]> {
  if (!plan.waitForWindow) return waiting;
  const sites = [...Map.groupBy(waiting, ({ site }) => site)];
  const inside = sites.map(async ([site, nodes]) => {
    const window = await windowOf(plan, site, startMs);
    if (window.open && window.closesInMs >= window.expectedMs) return nodes;
    await tell(waitText(site, window), nodes);
    return [];
  });
  return (await Promise.all(inside)).flat();

  async function tell(why: string, nodes: OperationNode[]): Promise<void> {
    const untold = nodes.filter(({ message }) => message !== why);
    if (untold.length === 0) return;
    const event = { step: `wave ${untold[0]?.wave}`, status: 'progress', message: why } as const;
    await records.operations.addEvent(operation.id, `${event.step}/window/${why}`, event);
    const parts = untold.map(({ node }) => ({ node, state: 'waiting', step: '', message: why }) as const);
    await records.operations.setNodes(operation.id, parts);
  }
}

function waitText(site: string, { opens, why }: WindowFacts): string {
  if (opens === undefined) return `no window of ${site} in sight is long enough${why ? `: ${why}` : ''}`;
  return `waits for the window of ${site} that opens ${opens}`;
}
