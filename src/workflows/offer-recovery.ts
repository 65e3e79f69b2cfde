/**
 * Asks people, in the name of the program itself, for one restart of a BMC that a task is stuck on. What was asked is asked
 * once: while it waits for an answer, and for a day after a restart that was granted, nothing more is asked for that BMC.
 */
import type { Bmcs } from '../core/bmc.ts';
import type { Clusters } from '../core/cluster.ts';
import { FleetError } from '../core/errors.ts';
import { allNodes, type Fleet, servicePerson } from '../core/fleet.ts';
import type { Records } from '../core/records.ts';
import type { Caller } from '../core/tool.ts';
import type { Approvals } from '../guard/approvals.ts';
import type { StorePlan } from '../guard/store-plan.ts';
import { surveyNode } from '../operations/survey.ts';
import { planChange } from '../planning/plan-change.ts';

export type OfferParts = {
  fleet: Fleet;
  bmcs: Bmcs;
  clusters: Clusters;
  records: Pick<Records, 'plans' | 'approvals' | 'operations'>;
  storePlan: StorePlan;
  requestStart: Approvals['requestStart'];
};

const caller: Caller = { person: servicePerson, channel: 'watch', scope: 'execute' };
const onceInMs = 86_400_000;
const recentOperations = 1000;

/** Answers what came of asking, as the end of a sentence. */
export function recoveryOffers(parts: OfferParts): (node: string, why: string) => Promise<string> {
  const { fleet, records, storePlan, requestStart } = parts;

  return async (name, why) => {
    const entry = allNodes(fleet).find(node => node.name === name);
    const cluster = fleet.sites.flatMap(site => site.clusters).find(each => each.name === entry?.cluster);
    if (!entry || !cluster)
      throw new FleetError({ code: 'not_found', message: `the fleet has no node ${name} any more` });
    const waiting = await pending(name);
    if (waiting) return `it waits for an answer, ${waiting}`;
    if (await wasRestarted(name)) return 'it was restarted for this within a day, so nobody was asked again';
    const { facts, server, node } = await surveyNode(parts, cluster, entry);
    const draft = planChange({
      kind: 'bmc-change',
      action: 'resetBmc',
      cluster,
      entry,
      server,
      node,
      facts,
      fleet: allNodes(fleet),
      drain: { deleteEmptyDir: false, force: false, byPriority: false },
      bmcChange: { act: 'reset-bmc', recover: true },
      because: why,
    });
    const { status, approval, reasons } = await requestStart(await storePlan(draft, caller), caller);
    if (status === 'approval_required') return `an operator is asked to approve it, ${approval}`;
    return status === 'started' ? 'it begins now' : `it was denied: ${reasons.join('; ')}`;
  };

  async function pending(node: string): Promise<string | undefined> {
    for (const { id, plan: planId, requester } of await records.approvals.list('pending')) {
      if (requester !== servicePerson.name) continue;
      const { plan } = await records.plans.get(planId);
      if (plan.kind === 'bmc-change' && plan.targets.some(target => target.node === node)) return id;
    }
    return undefined;
  }

  async function wasRestarted(name: string): Promise<boolean> {
    const since = Date.now() - onceInMs;
    const all = await records.operations.list({ limit: recentOperations });
    const ours = all.filter(
      ({ kind, requester, createdAt }) =>
        kind === 'bmc-change' && requester === servicePerson.name && Date.parse(createdAt) >= since,
    );
    const parts = await Promise.all(ours.map(({ id }) => records.operations.part(id, name)));
    return parts.some(part => part !== undefined);
  }
}
