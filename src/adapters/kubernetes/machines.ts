/** Machines of Cluster API and of OpenShift: which of them is which node. */
import { z } from 'zod';
import { type CustomKind, listCustomObjects, type ServedGroups, type Within } from './custom-objects.ts';
import type { Reach } from './reach.ts';

export type MachineGroup = 'cluster.x-k8s.io' | 'machine.openshift.io';

/** The versions that serve machines and their health checks. */
export const machineVersions: Record<MachineGroup, string[]> = {
  'cluster.x-k8s.io': ['v1beta2', 'v1beta1'],
  'machine.openshift.io': ['v1beta1'],
};

export type Machine = {
  namespace: string;
  name: string;
  annotations: Record<string, string>;
  /** Undefined before it has joined. */
  node?: string | undefined;
  /** Name of the object of the infrastructure provider behind it. */
  infrastructure?: string | undefined;
};

const named = z.object({ name: z.string() }).nullish().catch(undefined);
const specSchema = z.object({ infrastructureRef: named }).nullish().catch(undefined);
const statusSchema = z.object({ nodeRef: named }).nullish().catch(undefined);

/** Throws FleetError where they cannot be read. */
export async function listMachines(
  reach: Reach,
  served: ServedGroups,
  { group, within }: { group: MachineGroup; within?: Within },
): Promise<Machine[]> {
  const kind: CustomKind = { group, versions: machineVersions[group], plural: 'machines', kind: 'Machine' };
  const objects = await listCustomObjects(reach, served, { ...kind, ...(within === undefined ? {} : { within }) });
  return objects.map(({ namespace, name, annotations, spec, status }) => ({
    namespace,
    name,
    annotations,
    node: statusSchema.parse(status)?.nodeRef?.name,
    infrastructure: specSchema.parse(spec)?.infrastructureRef?.name,
  }));
}
