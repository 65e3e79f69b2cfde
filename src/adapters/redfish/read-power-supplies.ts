/**
 * Power supplies. Older BMCs have `Power`, whole in one answer; newer ones
 * `PowerSubsystem`, with a resource for each supply. Many have both; either may
 * be empty or fail, and then the other stands in, as with temperatures.
 */
import { type Fact, known, unknown } from '../../core/bmc.ts';
import { FleetError } from '../../core/errors.ts';
import type { MeteredSupply, PowerSupply } from '../../core/hardware.ts';
import type { Connection } from './connection.ts';
import { factOf, healthFact, isAbsent, reasonOf, sizeFact, textFact } from './facts.ts';
import { type PowerSupplyBody, power, powerSubsystem, powerSupply, supplyMetrics } from './hardware-schema.ts';
import { idOf, named, readMembers } from './read-members.ts';
import { readChassis, type ServerChassis, type Topology } from './topology.ts';

/** `metrics` links what goes through it, where that is not told with the rest. */
type Supply = MeteredSupply & { metrics?: string | undefined };

/** All that are in place. A chassis that cannot be read appears as one supply of which nothing is known. */
export async function readPowerSupplies(connection: Connection, topology: Topology): Promise<Fact<PowerSupply[]>> {
  return readSupplies(connection, topology);
}

/** As {@link readPowerSupplies}, with what goes through each, which may take one more request for each: not for samples. */
export async function readMeteredSupplies(connection: Connection, topology: Topology): Promise<Fact<MeteredSupply[]>> {
  const read = await readSupplies(connection, topology);
  return 'value' in read ? known(await Promise.all(read.value.map(each => metered(connection, each)))) : read;
}

async function readSupplies(connection: Connection, topology: Topology): Promise<Fact<Supply[]>> {
  const chassis = await readChassis(connection, topology);
  const read = (await Promise.all(chassis.map(each => ofChassis(connection, each)))).flat();
  const found = [...new Map(read.map(each => [each.uri, each])).values()];
  return found.length > 0 ? known(named(found)) : unknown('the BMC lists no power supplies');
}

/** The newer form keeps them in a resource of its own. */
async function metered(connection: Connection, { metrics: link, ...supply }: Supply): Promise<MeteredSupply> {
  if (link === undefined || 'value' in supply.inputWatts || 'value' in supply.outputWatts) return supply;
  const read = await factOf(async () => known(await connection.read(link, supplyMetrics)));
  if ('unknown' in read) return { ...supply, inputWatts: read, outputWatts: read };
  const { InputPowerWatts: input, OutputPowerWatts: output } = read.value;
  return { ...supply, inputWatts: wattsFact(input?.Reading), outputWatts: wattsFact(output?.Reading) };
}

async function ofChassis(connection: Connection, chassis: ServerChassis): Promise<Supply[]> {
  if ('unread' in chassis) return [blank(chassis.uri, chassis.unread)];
  const reasons: string[] = [];
  const attempt = async (read: () => Promise<Supply[]>): Promise<Supply[]> => {
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

async function fromPower(connection: Connection, link: string): Promise<Supply[]> {
  const { PowerSupplies: supplies } = await connection.read(link, power);
  return supplies.flatMap((each, index) =>
    isAbsent(each.Status) ? [] : [supplyOf(each['@odata.id'] ?? `${link}#/PowerSupplies/${index}`, each)],
  );
}

async function fromSubsystem(connection: Connection, link: string): Promise<Supply[]> {
  const { PowerSupplies: supplies } = await connection.read(link, powerSubsystem, { lasting: true });
  if (supplies == null) return [];
  const read = await readMembers(connection, supplies, powerSupply);
  return read.flatMap(each => {
    if ('unread' in each) return [blank(each.uri, each.unread)];
    return isAbsent(each.found.Status) ? [] : [supplyOf(each.uri, each.found)];
  });
}

function supplyOf(uri: string, found: PowerSupplyBody): Supply {
  const name = textFact(found.Name, 'name');
  return {
    uri,
    name: 'value' in name ? name.value : `Power supply ${idOf(uri)}`,
    model: textFact(found.Model, 'model of the power supply'),
    capacityWatts: sizeFact(found.PowerCapacityWatts, 'capacity of the power supply'),
    inputWatts: wattsFact(found.PowerInputWatts),
    // The older name goes last: Lenovo puts the power of the whole server there.
    outputWatts: wattsFact(found.PowerOutputWatts ?? found.LastPowerOutputWatts),
    ...(found.Metrics == null ? {} : { metrics: found.Metrics }),
    health: healthFact(found.Status, 'power supply'),
  };
}

function blank(uri: string, reason: string): Supply {
  const why = unknown(reason);
  return { uri, name: idOf(uri), model: why, capacityWatts: why, inputWatts: why, outputWatts: why, health: why };
}

/** A supply that stands by gives none: 0 is a measure. */
function wattsFact(value: number | null | undefined): Fact<number> {
  return value != null && value >= 0 ? known(value) : unknown('the BMC gives none');
}
