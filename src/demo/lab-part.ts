/** The lab as a process of its own, with a configuration that points a service at it. */
import type { LabDescription } from '../lab/description.ts';
import { describeLab } from '../lab/description.ts';
import { type LabOptions, startLab } from '../lab/lab.ts';
import { type LabConfig, type LabConfigOptions, writeLabConfig } from './lab-config.ts';

export type LabReady = { controlUrl: string; description: LabDescription; config: LabConfig };

export type LabPartOptions = LabOptions & { service: Omit<LabConfigOptions, 'dir'> };

export async function startLabPart(options: LabPartOptions): Promise<{ ready: LabReady; close(): Promise<void> }> {
  const lab = await startLab(options);
  const description = describeLab(lab);
  const config = await writeLabConfig(description, { dir: options.dir, ...options.service });
  return { ready: { controlUrl: lab.controlUrl, description, config }, close: () => lab.stop() };
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
    `  kubectl --kubeconfig ${first?.cluster.kubeconfigFile} get nodes`,
    `  curl -k ${server?.bmcUrl}/redfish/v1`,
    `  curl -k -u ${account.username}:$(cat ${account.passwordFile}) ${server?.bmcUrl}/redfish/v1/Systems`,
    `  curl ${controlUrl}/effects        every write that reached a machine`,
    `Configuration for a service: ${config.file}`,
  ];
  return lines.join('\n');
}
