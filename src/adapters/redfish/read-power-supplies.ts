/**
 * Power supplies. Older BMCs have `Power`, whole in one answer; newer ones
 * `PowerSubsystem`, with a resource for each supply. Many have both; either may
 * be empty or fail, and then the other stands in, as with temperatures.
 */
import { type Fact, known, unknown } from '../../core/bmc.ts';
import { FleetError } from '../../core/errors.ts';
import type { PowerSupply } from '../../core/hardware.ts';
import type { Connection } from './connection.ts';
import { healthFact, isAbsent, reasonOf, sizeFact, textFact } from './facts.ts';
import { type PowerSupplyBody, power, powerSubsystem, powerSupply } from './hardware-schema.ts';
import { idOf, named, readMembers } from './read-members.ts';
import { readChassis, type ServerChassis, type Topology } from './topology.ts';

/** All that are in place. A chassis that cannot be read appears as one supply of which nothing is known. */
export async function readPowerSupplies(connection: Connection, topology: Topology): Promise<Fact<PowerSupply[]>> {
  const chassis = await readChassis(connection, topology);
  const read = (await Promise.all(chassis.map(each => ofChassis(connection, each)))).flat();
  const found = [...new Map(read.map(each => [each.uri, each])).values()];
  return found.length > 0 ? known(named(found)) : unknown('the BMC lists no power supplies');
}

async function ofChassis(connection: Connection, chassis: ServerChassis): Promise<PowerSupply[]> {
  if ('unread' in chassis) return [blank(chassis.uri, chassis.unread)];
  const reasons: string[] = [];
  const attempt = async (read: () => Promise<PowerSupply[]>): Promise<PowerSupply[]> => {
    try {
      return await read();
    } catch (error) {
      const reason = reasonOf(error);
      if (FleetError.from(error).code !== 'not_found') reasons.push(reason);
      return [];
    }
  };
  const { power: first, powerSubsystem: second } = chassis;
  const found = first === undefined ? [] : await attempt(() => fromPower(connection, first));
  if (found.length > 0) return found;
  const others = second === undefined ? [] : await attempt(() => fromSubsystem(connection, second));
  if (others.length > 0) return others;
  const [reason] = reasons;
  return reason === undefined ? [] : [blank(chassis.uri, reason)];
}

async function fromPower(connection: Connection, link: string): Promise<PowerSupply[]> {
  const { PowerSupplies: supplies } = await connection.read(link, power);
  return supplies.flatMap((each, index) =>
    isAbsent(each.Status) ? [] : [supplyOf(each['@odata.id'] ?? `${link}#/PowerSupplies/${index}`, each)],
  );
}

async function fromSubsystem(connection: Connection, link: string): Promise<PowerSupply[]> {
  const { PowerSupplies: supplies } = await connection.read(link, powerSubsystem, { lasting: true });
  if (supplies == null) return [];
  const read = await readMembers(connection, supplies, powerSupply);
  return read.flatMap(each => {
    if ('unread' in each) return [blank(each.uri, each.unread)];
    return isAbsent(each.found.Status) ? [] : [supplyOf(each.uri, each.found)];
  });
}

function supplyOf(uri: string, found: PowerSupplyBody): PowerSupply {
  const name = textFact(found.Name, 'name');
  return {
    uri,
    name: 'value' in name ? name.value : `Power supply ${idOf(uri)}`,
    model: textFact(found.Model, 'model of the power supply'),
    capacityWatts: sizeFact(found.PowerCapacityWatts, 'capacity of the power supply'),
    health: healthFact(found.Status, 'power supply'),
  };
}

function blank(uri: string, reason: string): PowerSupply {
  const why = unknown(reason);
  return { uri, name: idOf(uri), model: why, capacityWatts: why, health: why };
}
