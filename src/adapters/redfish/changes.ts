/** The requests that change a BMC, or what it remembers for its server: found on the BMC, never assumed. */
import { z } from 'zod';
import type { BmcChange, BootSource } from '../../core/bmc-change.ts';
import { FleetError, unreachable } from '../../core/errors.ts';
import { allowedValues } from './allowed-values.ts';
import { type Connection, isForNow } from './connection.ts';
import { pathOnBmc } from './links.ts';
import { action, nullish } from './schema.ts';
import { readChassis, type Topology } from './topology.ts';

const text = nullish(z.string());
const names = nullish(z.array(z.string()));

const changeableManager = z.object({ Actions: nullish(z.object({ '#Manager.Reset': action })) });

/** What the locating light and the next start are set through. */
export const changeable = z.object({
  LocationIndicatorActive: nullish(z.boolean()),
  IndicatorLED: text,
  Boot: nullish(
    z.object({
      BootSourceOverrideEnabled: text,
      BootSourceOverrideTarget: text,
      BootSourceOverrideMode: text,
      'BootSourceOverrideTarget@Redfish.AllowableValues': names,
    }),
  ),
  '@Redfish.Settings': nullish(z.object({ SettingsObject: nullish(z.object({ '@odata.id': z.string() })) })),
});
type Changeable = z.infer<typeof changeable>;

export type ChangeRequest = { method: 'POST' | 'PATCH'; path: string; body: unknown };

/** Throws bmc_refused where this BMC offers no such change. */
export async function changeRequest(
  connection: Connection,
  topology: Topology,
  change: BmcChange,
): Promise<ChangeRequest> {
  switch (change.act) {
    case 'reset-bmc':
      return resetRequest(connection, topology);
    case 'identify':
      return lightRequest(connection, topology, change.lit);
    case 'boot-once':
      return bootRequest(connection, topology, change.from);
    default:
      return unreachable(change);
  }
}

/** Sends it once. Throws bmc_refused when the BMC says no, ambiguous when its answer was lost. */
export async function sendChange(connection: Connection, { method, path, body }: ChangeRequest): Promise<void> {
  const answer = method === 'POST' ? await connection.post(path, body) : await connection.patch(path, body);
  if (answer.outcome === 'accepted') return;
  throw new FleetError({
    code: 'bmc_refused',
    retry: isForNow(answer) ? 'later' : 'never',
    message: `${connection.url} refused the change (${answer.status})`,
    hint: 'Read the state of the server: a firmware task may hold it, or it may be in POST.',
    untrusted: answer.reason,
  });
}

async function resetRequest(connection: Connection, { managerUris }: Topology): Promise<ChangeRequest> {
  for (const uri of managerUris) {
    const reset = (await connection.read(uri, changeableManager)).Actions?.['#Manager.Reset'];
    if (reset?.target == null) continue;
    const allowed = await allowedValues(connection, reset, 'ResetType');
    const type = ['GracefulRestart', 'ForceRestart'].find(each => allowed?.includes(each) ?? true);
    if (type !== undefined)
      return { method: 'POST', path: pathOnBmc(connection.url, reset.target), body: { ResetType: type } };
  }
  throw offersNone(connection, 'restart of itself', "Only its power, or its vendor's tools, can restart it.");
}

/** The newer property where the BMC has it, on the system, else on its chassis. */
async function lightRequest(connection: Connection, topology: Topology, lit: boolean): Promise<ChangeRequest> {
  const chassis = await readChassis(connection, topology);
  for (const uri of [topology.systemUri, ...chassis.map(each => each.uri)]) {
    const path = pathOnBmc(connection.url, uri);
    const read = await connection.read(uri, changeable);
    if (read.LocationIndicatorActive != null) return { method: 'PATCH', path, body: { LocationIndicatorActive: lit } };
    if (read.IndicatorLED != null) return { method: 'PATCH', path, body: { IndicatorLED: lit ? 'Blinking' : 'Off' } };
  }
  throw offersNone(connection, 'locating light', 'Find the server by its serial number.');
}

/** Best name first: some BMCs boot their virtual media as a USB drive. */
const targets: Record<BootSource, string[]> = {
  pxe: ['Pxe'],
  http: ['UefiHttp'],
  disk: ['Hdd'],
  cd: ['Cd', 'UsbCd'],
  setup: ['BiosSetup'],
  none: ['None'],
};

async function bootRequest(connection: Connection, topology: Topology, from: BootSource): Promise<ChangeRequest> {
  const { Boot: boot } = await connection.read(topology.systemUri, changeable);
  const allowed = boot?.['BootSourceOverrideTarget@Redfish.AllowableValues'];
  const target = targets[from].find(each => allowed?.includes(each) ?? true);
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
        ...(topology.profile.sendsBootMode ? { BootSourceOverrideMode: boot.BootSourceOverrideMode ?? 'UEFI' } : {}),
      },
    },
  };
}

/** Where this BMC takes, and shows, what the next start is from. */
export async function bootUri(connection: Connection, { profile, systemUri }: Topology): Promise<string> {
  if (!profile.bootThroughSettings) return systemUri;
  const { '@Redfish.Settings': settings } = await connection.read(systemUri, changeable);
  return settings?.SettingsObject?.['@odata.id'] ?? systemUri;
}

/** What the next start was set to; undefined for a source that we have no name for. */
export function bootSourceOf({ Boot: boot }: Changeable): BootSource | undefined {
  if (boot?.BootSourceOverrideEnabled == null) return undefined;
  if (boot.BootSourceOverrideEnabled === 'Disabled') return 'none';
  const sources = Object.entries(targets) as [BootSource, string[]][];
  return sources.find(([, spellings]) => spellings.includes(boot.BootSourceOverrideTarget ?? ''))?.[0];
}

function offersNone({ url }: Connection, what: string, hint: string): FleetError {
  return new FleetError({ code: 'bmc_refused', message: `${url} offers no ${what}; nothing was sent`, hint });
}
