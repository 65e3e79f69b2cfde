/** What the server starts from next: where each BMC takes it and shows it, and what it calls it. */
import { z } from 'zod';
import type { BootSource } from '../../core/bmc-change.ts';
import { type ChangeRequest, offersNone } from './change-request.ts';
import type { Connection } from './connection.ts';
import { pathOnBmc } from './links.ts';
import { object, settings, text, texts } from './schema.ts';
import type { Topology } from './topology.ts';

export const bootable = z.object({
  Boot: object({
    BootSourceOverrideEnabled: text,
    BootSourceOverrideTarget: text,
    'BootSourceOverrideTarget@Redfish.AllowableValues': texts,
  }),
  '@Redfish.Settings': settings,
});

const targets: Record<BootSource, string[]> = {
  pxe: ['Pxe'],
  http: ['UefiHttp'],
  disk: ['Hdd'],
  cd: ['Cd', 'UsbCd'],
  setup: ['BiosSetup'],
  none: ['None'],
};

/** Throws bmc_refused where the BMC does not offer to start from there. */
export async function bootRequest(
  connection: Connection,
  topology: Topology,
  from: BootSource,
): Promise<ChangeRequest> {
  const { Boot: boot } = await connection.read(topology.systemUri, bootable);
  const allowed = boot?.['BootSourceOverrideTarget@Redfish.AllowableValues'];
  const { bootsFrom, bootMode } = topology.profile;
  const target = (bootsFrom?.[from] ?? targets[from]).find(each => allowed?.includes(each) ?? true);
  if (boot == null || target === undefined)
    throw offersNone(
      connection,
      `start from ${from}`,
      `It offers: ${allowed?.join(', ') || 'no boot override at all'}.`,
    );
  return {
    method: 'PATCH',
    path: pathOnBmc(connection.url, await bootUri(connection, topology)),
    body: {
      Boot: {
        BootSourceOverrideEnabled: from === 'none' ? 'Disabled' : 'Once',
        BootSourceOverrideTarget: target,
        ...(bootMode === undefined ? {} : { BootSourceOverrideMode: bootMode }),
      },
    },
  };
}

/** Where this BMC takes, and shows, what the next start is from. */
export async function bootUri(connection: Connection, { profile, systemUri }: Topology): Promise<string> {
  if (!profile.bootThroughSettings) return systemUri;
  const read = await connection.read(systemUri, bootable);
  return read['@Redfish.Settings']?.SettingsObject ?? systemUri;
}

/** What the next start was set to; undefined for a source that we have no name for. */
export function bootSourceOf({ Boot: boot }: z.infer<typeof bootable>): BootSource | undefined {
  if (boot?.BootSourceOverrideEnabled == null) return undefined;
  if (boot.BootSourceOverrideEnabled === 'Disabled') return 'none';
  const sources = Object.entries(targets) as [BootSource, string[]][];
  return sources.find(([, spellings]) => spellings.includes(boot.BootSourceOverrideTarget ?? ''))?.[0];
}
