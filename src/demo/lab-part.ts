/** The lab as a process of its own, with a configuration that points a service at it. */
import { fileURLToPath } from 'node:url';
import { FleetError } from '../core/errors.ts';
import { type LabMachine, labMachines } from '../lab/bmc/profiles/catalog.ts';
import type { LabDescription } from '../lab/description.ts';
import { describeLab } from '../lab/description.ts';
import { type LabOptions, startLab } from '../lab/lab.ts';
import { type LabConfig, type LabConfigOptions, writeLabConfig } from './lab-config.ts';

/** What operators apply to a cluster before a service may work on it; the lab's clusters get the same. */
export const shippedManifests = [fileURLToPath(new URL('../../deploy/kubernetes/rbac.yaml', import.meta.url))];

export type LabReady = { controlUrl: string; description: LabDescription; config: LabConfig };

export type LabPartOptions = Omit<LabOptions, 'manifests'> & { service: Omit<LabConfigOptions, 'dir'> };

export async function startLabPart(options: LabPartOptions): Promise<{ ready: LabReady; close(): Promise<void> }> {
  const lab = await startLab({ ...options, manifests: shippedManifests });
  const description = describeLab(lab);
  const config = await writeLabConfig(description, { dir: options.dir, ...options.service });
  return { ready: { controlUrl: lab.controlUrl, description, config }, close: () => lab.stop() };
}

/** Throws `invalid_input` for a name that no machine of the lab has. */
export function machinesOf(names: string[]): readonly LabMachine[] {
  if (names.length === 1 && names[0] === 'all') return labMachines;
  return names.map(name => {
    const machine = labMachines.find(known => known === name);
    if (machine) return machine;
    throw new FleetError({
      code: 'invalid_input',
      message: `the lab has no machine ${JSON.stringify(name.slice(0, 40))}`,
      hint: `it has: all, ${labMachines.join(', ')}`,
    });
  });
}

/** Where to look at the running lab with other people's tools. */
export function labAddresses({ controlUrl, description, config }: LabReady): string {
  const { account, sites } = description;
  const [first] = sites;
  const [server] = first?.nodes ?? [];
  const lines = [
    `Lab: ${sites.length} sites, ${sites.flatMap(site => site.nodes).length} servers, time runs ${description.speed} times as fast`,
    ...sites.flatMap(site => [
      `  ${site.name}: API server ${site.cluster.url}`,
      ...site.nodes.map(
        node => `    ${node.name.padEnd(10)} ${node.bmcUrl}  ${node.vendor} ${node.model}, serial ${node.serial}`,
      ),
    ]),
    'Look at it:',
    `  kubectl --kubeconfig ${first?.cluster.adminKubeconfigFile} get nodes`,
    `  curl -k ${server?.bmcUrl}/redfish/v1`,
    `  curl -k -u ${account.username}:$(cat ${account.passwordFile}) ${server?.bmcUrl}/redfish/v1/Systems`,
    `  curl ${controlUrl}/effects        every write that reached a machine`,
    'Make something go wrong (curl -X POST, -X DELETE; GET /faults lists what is set):',
    `  curl ${controlUrl}/faults -d '{"server":"${server?.name}","fault":{"kind":"fan-failing"}}'`,
    `  curl ${controlUrl}/faults -d '{"cluster":"${first?.cluster.name}","fault":{"kind":"answer","status":429,"method":"POST","path":"/eviction$","times":3}}'`,
    `  curl ${controlUrl}/troubles -d '{"kind":"wan-cut","site":"${first?.name}"}'        and -X DELETE ${controlUrl}/troubles/${first?.name}/wan-cut`,
    `  curl -X POST ${controlUrl}/clusters/${first?.cluster.name}/restart`,
    `  curl -X DELETE ${controlUrl}/faults/${first?.cluster.name}`,
    `Configuration for a service: ${config.file}`,
  ];
  return lines.join('\n');
}
