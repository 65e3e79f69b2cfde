/** Plans of the system-upgrade-controller: jobs that cordon, drain and upgrade nodes, and may reboot them. */
import { z } from 'zod';
import type { RemediatorFacts } from '../../core/cluster-facts.ts';
import { listCustomObjects, type ServedGroups, selectorText } from './custom-objects.ts';
import { kubectl } from './kubectl-command.ts';
import { nodeNames } from './node-names.ts';
import type { Reach } from './reach.ts';

const group = 'upgrade.cattle.io';
const specSchema = z.object({ nodeSelector: z.unknown().optional() }).catch({ nodeSelector: 'unread' });
const statusSchema = z
  .object({
    latestHash: z.string().optional().catch(undefined),
    applying: z.array(z.string()).nullish().catch(undefined),
  })
  .nullish()
  .catch(undefined);

export async function readUpgradePlans(reach: Reach, served: ServedGroups): Promise<RemediatorFacts[]> {
  const plans = await listCustomObjects(reach, served, { group, versions: ['v1'], plural: 'plans', kind: 'Plan' });
  return Promise.all(
    plans.map(async ({ namespace, name, spec, status }) => {
      const { latestHash, applying } = statusSchema.parse(status) ?? {};
      const label = `plan.upgrade.cattle.io/${name}`;
      const nodes = await nodesLeft(reach, specSchema.parse(spec).nodeSelector, { label, latestHash });
      return {
        kind: 'Plan',
        namespace,
        name,
        does: 'has nodes cordoned, drained and upgraded by jobs of the system-upgrade-controller',
        ...(nodes === undefined ? {} : { nodes }),
        ...(applying?.length ? { busyWith: applying } : {}),
        pause: kubectl('', 'label', 'node', '<node>', `${label}=disabled`, '--overwrite'),
      };
    }),
  );
}

/** Nodes that it selects and that are neither done nor exempted by its label; a plan without selector selects none. */
async function nodesLeft(
  reach: Reach,
  selector: unknown,
  { label, latestHash }: { label: string; latestHash: string | undefined },
): Promise<string[] | undefined> {
  if (selector === undefined || selector === null) return [];
  const text = selectorText(selector);
  if (text === undefined) return undefined;
  const done = ['disabled', ...(latestHash === undefined ? [] : [latestHash])];
  const parts = [text, 'kubernetes.io/hostname', `${label} notin (${done.join(',')})`];
  return nodeNames(reach, parts.filter(part => part !== '').join(','));
}
