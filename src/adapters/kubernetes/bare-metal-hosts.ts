/** BareMetalHosts of Metal3: their operator holds the power of a machine to what the object says. */
import { isIP } from 'node:net';
import { z } from 'zod';
import type { RemediatorFacts } from '../../core/cluster-facts.ts';
import { FleetError } from '../../core/errors.ts';
import { type CustomObject, isForbidden, listCustomObjects, type ServedGroups } from './custom-objects.ts';
import { kubectl } from './kubectl-command.ts';
import { listMachines, type Machine, type MachineGroup } from './machines.ts';
import { nodeNames } from './node-names.ts';
import type { Reach } from './reach.ts';
import { holdersIn } from './remediator-holders.ts';

const group = 'metal3.io';
const plural = 'baremetalhosts';
export const hostPaused = 'baremetalhost.metal3.io/paused';
const detached = 'baremetalhost.metal3.io/detached';

const specSchema = z
  .object({
    bmc: z.object({ address: z.string() }).nullish().catch(undefined),
    consumerRef: z
      .object({ kind: z.string().default(''), name: z.string() })
      .nullish()
      .catch(undefined),
  })
  .nullish()
  .catch(undefined);
const statusSchema = z
  .object({
    provisioning: z.object({ state: z.string() }).nullish().catch(undefined),
    hardware: z.object({ hostname: z.string() }).nullish().catch(undefined),
  })
  .nullish()
  .catch(undefined);

/** States without a consumer in which the operator runs no workload on the machine and leaves its power alone. */
const idle = ['unmanaged', 'available', 'ready'];

type Surroundings = { machines: Machine[]; nodes: string[] };

export async function readBareMetalHosts(reach: Reach, served: ServedGroups): Promise<RemediatorFacts[]> {
  const hosts = await listCustomObjects(reach, served, {
    group,
    versions: ['v1alpha1'],
    plural,
    kind: 'BareMetalHost',
  });
  if (hosts.length === 0) return [];
  const groups: MachineGroup[] = ['cluster.x-k8s.io', 'machine.openshift.io'];
  const [nodes, ...machines] = await Promise.all([
    nodeNames(reach, ''),
    ...groups.map(each => readableMachines(reach, served, each)),
  ]);
  return hosts.map(host => hostFacts(host, { nodes, machines: machines.flat() }));
}

/** None where they may not be read: a host then counts as one that may act on any node, unless its BMC tells. */
async function readableMachines(reach: Reach, served: ServedGroups, of: MachineGroup): Promise<Machine[]> {
  try {
    return await listMachines(reach, served, { group: of });
  } catch (thrown) {
    if (isForbidden(FleetError.from(thrown))) return [];
    throw thrown;
  }
}

function hostFacts(host: CustomObject, surroundings: Surroundings): RemediatorFacts {
  const { namespace, name, annotations, path } = host;
  const bmc = bmcOf(specSchema.parse(host.spec)?.bmc?.address ?? '');
  const nodes = nodesOf(host, surroundings);
  const mark = [hostPaused, detached].find(annotation => annotation in annotations);
  return {
    kind: 'BareMetalHost',
    namespace,
    name,
    does: 'has its machine powered on, off or provisioned anew as its object says',
    ...(nodes === undefined ? {} : { nodes }),
    ...(bmc === undefined ? {} : { bmc }),
    ...(mark === undefined ? {} : { pausedBy: `its annotation ${mark}` }),
    pause: kubectl(namespace, 'annotate', `${plural}.${group}`, name, `${hostPaused}=groundskeeper`),
    object: path,
    holders: holdersIn(annotations),
  };
}

/** By the machine that consumes it, else by its hostname; undefined where neither is a node of this cluster. */
function nodesOf(host: CustomObject, { machines, nodes }: Surroundings): string[] | undefined {
  const consumer = specSchema.parse(host.spec)?.consumerRef ?? undefined;
  const { provisioning, hardware } = statusSchema.parse(host.status) ?? {};
  if (consumer === undefined && idle.includes(provisioning?.state ?? '')) return [];
  const consuming = machines.filter(({ name, infrastructure }) =>
    consumer?.kind === 'Machine' ? name === consumer.name : infrastructure === consumer?.name && consumer !== undefined,
  );
  const told = [...consuming.map(({ node }) => node), hardware?.hostname];
  const found = told.filter(name => name !== undefined && nodes.includes(name));
  return found.length === 0 ? undefined : [...new Set(found.flatMap(name => name ?? []))];
}

/** The IP address in `redfish-virtualmedia+https://10.1.0.11/redfish/v1/Systems/1`, `ipmi://[fd00::1]:623` or `10.1.0.11`. */
function bmcOf(address: string): string | undefined {
  const rest = address.replace(/^[a-z0-9+.-]+:\/\//i, '').replace(/\/.*$/s, '');
  const [, v6, plain] = /^(?:\[([^\]]+)\]|([^:]+))(?::\d+)?$/.exec(rest) ?? [];
  const host = v6 ?? plain ?? '';
  return isIP(host) === 0 ? undefined : host;
}
