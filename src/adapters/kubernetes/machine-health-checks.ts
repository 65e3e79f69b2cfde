/** MachineHealthChecks of Cluster API and of OpenShift: they delete the machines of nodes that stay away too long. */
import { z } from 'zod';
import type { RemediatorFacts } from '../../core/cluster-facts.ts';
import { FleetError } from '../../core/errors.ts';
import {
  type CustomObject,
  isForbidden,
  listCustomObjects,
  type ServedGroups,
  selectorText,
} from './custom-objects.ts';
import { kubectl } from './kubectl-command.ts';
import { listMachines, type MachineGroup, machineVersions } from './machines.ts';
import type { Reach } from './reach.ts';
import { holdersIn } from './remediator-holders.ts';

const plural = 'machinehealthchecks';
/** Of a MachineHealthCheck of either group; its value does not count. */
export const machinesPaused = 'cluster.x-k8s.io/paused';
const skipped = 'cluster.x-k8s.io/skip-remediation';
const specSchema = z
  .object({ clusterName: z.string().optional(), selector: z.unknown().optional() })
  .catch({ selector: 'unread' });

export async function readMachineHealthChecks(reach: Reach, served: ServedGroups): Promise<RemediatorFacts[]> {
  const groups: MachineGroup[] = ['cluster.x-k8s.io', 'machine.openshift.io'];
  const found = await Promise.all(groups.map(group => readGroup(reach, served, group)));
  return found.flat();
}

async function readGroup(reach: Reach, served: ServedGroups, group: MachineGroup): Promise<RemediatorFacts[]> {
  const versions = machineVersions[group];
  const checks = await listCustomObjects(reach, served, { group, versions, plural, kind: 'MachineHealthCheck' });
  return Promise.all(
    checks.map(async check => {
      const { namespace, name, annotations, path } = check;
      const nodes = await nodesOf(reach, served, { group, check });
      return {
        kind: 'MachineHealthCheck',
        namespace,
        name,
        does: 'deletes and replaces machines that it judges unhealthy',
        ...(nodes === undefined ? {} : { nodes }),
        ...(machinesPaused in annotations ? { pausedBy: `its annotation ${machinesPaused}` } : {}),
        pause: kubectl(namespace, 'annotate', `${plural}.${group}`, name, `${machinesPaused}=true`),
        object: path,
        holders: holdersIn(annotations),
      };
    }),
  );
}

/** Undefined, which means all, where its machines may not be read or its selector is not understood. */
async function nodesOf(
  reach: Reach,
  served: ServedGroups,
  { group, check }: { group: MachineGroup; check: CustomObject },
): Promise<string[] | undefined> {
  const { clusterName, selector } = specSchema.parse(check.spec);
  const text = selectorText(selector ?? {});
  if (text === undefined) return undefined;
  const ofCluster = clusterName === undefined ? [] : [`cluster.x-k8s.io/cluster-name=${clusterName}`];
  const labelSelector = [text, ...ofCluster].filter(part => part !== '').join(',');
  try {
    const machines = await listMachines(reach, served, {
      group,
      within: { namespace: check.namespace, labelSelector },
    });
    const judged = machines.filter(({ annotations }) => group !== 'cluster.x-k8s.io' || !(skipped in annotations));
    return judged.flatMap(({ node }) => node ?? []);
  } catch (thrown) {
    if (isForbidden(FleetError.from(thrown))) return undefined;
    throw thrown;
  }
}
