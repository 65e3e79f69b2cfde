/**
 * Taking the power from everything that a BMC stands for, itself included: the standard has no such reset, NVIDIA's trays have
 * one of their own on the chassis that the system links (nvfwupd calls it RF_AUX_PWR_CYCLE). They refuse it while the host
 * is on (infra-controller#909).
 */
import { z } from 'zod';
import { type ChangeRequest, offersNone } from './change-request.ts';
import type { Connection } from './connection.ts';
import { pathOnBmc } from './links.ts';
import { readSystem } from './read-system.ts';
import { action, object } from './schema.ts';
import type { Topology } from './topology.ts';

const cyclable = z.object({ Actions: object({ Oem: object({ '#NvidiaChassis.AuxPowerReset': action }) }) });

/** Throws bmc_refused where no chassis of the system offers it. */
export async function powerCycleRequest(connection: Connection, topology: Topology): Promise<ChangeRequest> {
  const system = await readSystem(connection, topology);
  for (const uri of system.Links?.Chassis ?? []) {
    const found = (await connection.read(uri, cyclable)).Actions?.Oem?.['#NvidiaChassis.AuxPowerReset'];
    if (found?.target == null) continue;
    return { method: 'POST', path: pathOnBmc(connection.url, found.target), body: { ResetType: 'AuxPowerCycle' } };
  }
  throw offersNone(connection, 'power cycle of the whole server', 'Take its power away and give it back by hand.');
}
