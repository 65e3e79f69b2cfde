/** NodeHealthChecks of medik8s: they have nodes fenced or rebooted that stay away too long. */
import { z } from 'zod';
import type { RemediatorFacts } from '../../core/cluster-facts.ts';
import { listCustomObjects, type ServedGroups, selectorText } from './custom-objects.ts';
import { kubectl } from './kubectl-command.ts';
import { nodeNames } from './node-names.ts';
import type { Reach } from './reach.ts';
import { holderIn } from './remediator-holders.ts';

const group = 'remediation.medik8s.io';
const plural = 'nodehealthchecks';
const specSchema = z
  .object({ selector: z.unknown().optional(), pauseRequests: z.array(z.string()).nullish().catch(undefined) })
  .catch({ selector: 'unread', pauseRequests: undefined });
const statusSchema = z
  .object({
    inFlightRemediations: z.record(z.string(), z.unknown()).nullish().catch(undefined),
    unhealthyNodes: z
      .array(z.object({ name: z.string(), remediations: z.array(z.unknown()).nullish() }))
      .nullish()
      .catch(undefined),
  })
  .nullish()
  .catch(undefined);

export async function readNodeHealthChecks(reach: Reach, served: ServedGroups): Promise<RemediatorFacts[]> {
  const kind = { group, versions: ['v1alpha1'], plural, kind: 'NodeHealthCheck' };
  const checks = await listCustomObjects(reach, served, kind);
  return Promise.all(
    checks.map(async ({ name, spec, status, path }) => {
      const { selector, pauseRequests } = specSchema.parse(spec);
      const text = selectorText(selector ?? {});
      const nodes = text === undefined ? undefined : await nodeNames(reach, text);
      const busyWith = remediated(status);
      return {
        kind: 'NodeHealthCheck',
        namespace: '',
        name,
        does: 'has nodes rebooted or fenced that it judges unhealthy',
        ...(nodes === undefined ? {} : { nodes }),
        ...(busyWith.length === 0 ? {} : { busyWith }),
        ...(pauseRequests?.length ? { pausedBy: 'its spec.pauseRequests' } : {}),
        pause: kubectl('', 'patch', `${plural}.${group}`, name, '--type=merge', '-p', pausePatch),
        object: path,
        holders: (pauseRequests ?? []).flatMap(request => holderIn(request) ?? []),
      };
    }),
  );
}

const pausePatch = JSON.stringify({ spec: { pauseRequests: ['groundskeeper works on a node'] } });

/** Nodes whose remediation has begun: a pause does not take it back. */
function remediated(status: unknown): string[] {
  const { inFlightRemediations, unhealthyNodes } = statusSchema.parse(status) ?? {};
  const unhealthy = (unhealthyNodes ?? []).filter(({ remediations }) => (remediations ?? []).length > 0);
  return [...new Set([...Object.keys(inFlightRemediations ?? {}), ...unhealthy.map(({ name }) => name)])];
}
