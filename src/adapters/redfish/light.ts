/** The locating light: the newer property where the BMC has it, on the system, else on its chassis. */
import { z } from 'zod';
import { type Fact, known, unknown } from '../../core/bmc.ts';
import type { ChangeRequest } from './change-request.ts';
import type { Connection } from './connection.ts';
import { pathOnBmc } from './links.ts';
import { flag, text } from './schema.ts';
import { readChassis, type Topology } from './topology.ts';

const lightable = z.object({ LocationIndicatorActive: flag, IndicatorLED: text });

/** Undefined where the BMC has none. */
export async function lightRequest(
  connection: Connection,
  topology: Topology,
  lit: boolean,
): Promise<ChangeRequest | undefined> {
  const light = await findLight(connection, topology);
  if (light === undefined) return undefined;
  const path = pathOnBmc(connection.url, light.uri);
  if (light.active != null) return { method: 'PATCH', path, body: { LocationIndicatorActive: lit } };
  return { method: 'PATCH', path, body: { IndicatorLED: lit ? 'Blinking' : 'Off' } };
}

export async function lightOf(connection: Connection, topology: Topology): Promise<Fact<boolean>> {
  const light = await findLight(connection, topology);
  if (light === undefined) return unknown('the BMC has no locating light');
  return known(light.active ?? /^(lit|blinking)$/i.test(light.led ?? ''));
}

async function findLight(connection: Connection, topology: Topology) {
  const chassis = await readChassis(connection, topology);
  for (const uri of [topology.systemUri, ...chassis.map(each => each.uri)]) {
    const { LocationIndicatorActive: active, IndicatorLED: led } = await connection.read(uri, lightable);
    if (active != null || led != null) return { uri, active, led };
  }
  return undefined;
}
