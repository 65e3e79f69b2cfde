/** BIOS settings: read where they are in force, changed where they wait. */
import { z } from 'zod';
import type { BiosReading, BiosValue } from '../../core/bios.ts';
import { known, unknown } from '../../core/bmc.ts';
import { FleetError } from '../../core/errors.ts';
import { type ChangeRequest, offersNone } from './change-request.ts';
import type { Connection } from './connection.ts';
import { reasonOf } from './facts.ts';
import { pathOnBmc } from './links.ts';
import { link, nullish, settings, text } from './schema.ts';
import type { Topology } from './topology.ts';

const systemBios = z.object({ Bios: link });
const biosResource = z.object({
  AttributeRegistry: text,
  Attributes: nullish(z.record(z.string(), z.unknown())),
  '@Redfish.Settings': settings,
});
export type BiosResource = z.infer<typeof biosResource>;

/** Throws bmc_refused where the BMC shows no BIOS attributes, or offers no way to change them. */
export async function readBios(connection: Connection, topology: Topology): Promise<BiosReading> {
  const bios = await readResource(connection, topology);
  const active = valuesOf(bios.Attributes);
  if (Object.keys(active).length === 0)
    throw offersNone(connection, 'BIOS attributes to read', 'A change could not be proved; use its setup.');
  return {
    active,
    waiting: await waitingOf(connection, settingsOf(connection, bios), active),
    startApplies: topology.profile.biosSaysWhen !== true,
  };
}

export async function readResource(connection: Connection, { systemUri }: Topology): Promise<BiosResource> {
  const { Bios: uri } = await connection.read(systemUri, systemBios);
  if (uri == null) throw offersNone(connection, 'BIOS settings', 'Use the setup of the server.');
  return connection.read(uri, biosResource);
}

/** `attributes` all at once, for the next start. */
export async function biosRequest(
  connection: Connection,
  topology: Topology,
  attributes: Record<string, BiosValue>,
): Promise<ChangeRequest> {
  const bios = await readResource(connection, topology);
  const announced = bios['@Redfish.Settings']?.SupportedApplyTimes?.includes('OnReset');
  const says = announced || topology.profile.biosSaysWhen;
  return {
    method: 'PATCH',
    path: pathOnBmc(connection.url, settingsOf(connection, bios)),
    body: {
      Attributes: attributes,
      ...(says ? { '@Redfish.SettingsApplyTime': { ApplyTime: 'OnReset' } } : {}),
    },
  };
}

function settingsOf(connection: Connection, bios: BiosResource): string {
  const uri = bios['@Redfish.Settings']?.SettingsObject;
  if (uri != null) return uri;
  throw offersNone(connection, 'change of BIOS settings', 'Use the setup of the server.');
}

/** Some settings objects show every attribute, some only those that wait, and some are not there while none does. */
async function waitingOf(
  connection: Connection,
  uri: string,
  active: Record<string, BiosValue>,
): Promise<BiosReading['waiting']> {
  try {
    const shown = valuesOf((await connection.read(uri, biosResource)).Attributes);
    return known(Object.fromEntries(Object.entries(shown).filter(([name, value]) => active[name] !== value)));
  } catch (error) {
    return FleetError.from(error).code === 'not_found' ? known({}) : unknown(reasonOf(error));
  }
}

function valuesOf(attributes: Record<string, unknown> | null | undefined): Record<string, BiosValue> {
  const has = ([, value]: [string, unknown]) => ['string', 'number', 'boolean'].includes(typeof value);
  return Object.fromEntries(Object.entries(attributes ?? {}).filter(has)) as Record<string, BiosValue>;
}
