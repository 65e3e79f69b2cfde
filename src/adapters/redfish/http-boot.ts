/** Where an HTTP boot fetches from: a property of the next boot by the standard, a BIOS attribute on some machines. */
import { z } from 'zod';
import { biosRequest } from './bios.ts';
import { bootUri } from './boot-override.ts';
import { type ChangeRequest, offersNone } from './change-request.ts';
import type { Connection } from './connection.ts';
import { pathOnBmc } from './links.ts';
import { object, texts } from './schema.ts';
import type { Topology } from './topology.ts';

const httpBootable = z.object({ Boot: object({ 'BootSourceOverrideTarget@Redfish.AllowableValues': texts }) });

/** Throws bmc_refused where the machine has no such place. A BIOS attribute comes into force with the next start. */
export async function httpBootRequest(connection: Connection, topology: Topology, uri: string): Promise<ChangeRequest> {
  const { httpBoot, bootMode } = topology.profile;
  if (httpBoot !== undefined) return biosRequest(connection, topology, httpBoot(uri));
  const { Boot: boot } = await connection.read(topology.systemUri, httpBootable);
  // Few show the address before there is one; those that offer the boot say no to the address, if they do not take it.
  if (!boot?.['BootSourceOverrideTarget@Redfish.AllowableValues']?.includes('UefiHttp'))
    throw offersNone(connection, 'address for an HTTP boot', 'Boot it from virtual media.');
  return {
    method: 'PATCH',
    path: pathOnBmc(connection.url, await bootUri(connection, topology)),
    body: { Boot: { HttpBootUri: uri, ...(bootMode === undefined ? {} : { BootSourceOverrideMode: bootMode }) } },
  };
}
