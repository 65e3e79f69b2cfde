/** What a BMC says of itself, and what was set through it. */
import type { z } from 'zod';
import { type Fact, known, unknown } from '../../core/bmc.ts';
import type { BmcStatus } from '../../core/bmc-change.ts';
import { bootable, bootSourceOf, bootUri } from './boot-override.ts';
import type { Connection } from './connection.ts';
import { factOf, healthFact, textFact, timeFact } from './facts.ts';
import { lightOf } from './light.ts';
import { powerOf, readSystem } from './read-system.ts';
import { manager, status, text } from './schema.ts';
import type { Topology } from './topology.ts';

const statusOfManager = manager.extend({
  DateTime: text,
  LastResetTime: text,
  Status: status,
});
type ManagerStatus = z.infer<typeof statusOfManager>;

/** Throws when the BMC or its system cannot be read at all. */
export async function readStatus(connection: Connection, topology: Topology): Promise<Omit<BmcStatus, 'hearing'>> {
  const [system, own, read] = await Promise.all([
    readSystem(connection, topology),
    bootUri(connection, topology).then(uri => connection.read(uri, bootable)),
    factOf(() => readManager(connection, topology)),
  ]);
  const of = <T>(fact: (found: ManagerStatus) => Fact<T>) => ('value' in read ? fact(read.value) : read);
  const boot = bootSourceOf(own);
  return {
    vendor: topology.profile.vendor,
    model: of(found => textFact(found.Model, 'model of itself')),
    firmware: of(found => textFact(found.FirmwareVersion, 'version of itself')),
    health: of(found => healthFact(found.Status, 'BMC')),
    time: of(found => timeFact(found.DateTime, 'time')),
    lastReset: of(found => timeFact(found.LastResetTime, 'time of its own last start')),
    power: powerOf(system, topology),
    lit: await factOf(() => lightOf(connection, topology)),
    bootOnce: boot === undefined ? unknown('the BMC gives no boot override that we know') : known(boot),
  };
}

async function readManager(connection: Connection, { managerUris }: Topology): Promise<Fact<ManagerStatus>> {
  const [first] = managerUris;
  return first === undefined
    ? unknown('the BMC lists no manager of this server')
    : known(await connection.read(first, statusOfManager));
}
