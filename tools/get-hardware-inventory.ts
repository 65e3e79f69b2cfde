/** What a server is made of. */
import { z } from 'zod';
import { type Fact, factValue, showFact } from '../src/core/bmc.ts';
import { type Block, type Cell, foreign, healthCell } from '../src/core/document.ts';
import type { Drive, HardwareInventory, Part } from '../src/core/hardware.ts';
import { readTool } from '../src/core/tool.ts';
import { orReason } from './parts/cluster-reading.ts';
import { nodeNamed } from './parts/lookup.ts';
import { presentSensors, sensorsOutput, sensorsTold } from './parts/sensor-inventory.ts';

const part = { name: z.string(), health: z.string() };
const listed = <S extends z.ZodRawShape>(shape: S) =>
  z.union([z.array(z.object({ ...part, ...shape })), z.string()]).describe('The parts, or why there are none');

const output = z.object({
  node: z.string(),
  site: z.string(),
  manufacturer: z.string(),
  model: z.string(),
  serial: z.string(),
  uuid: z.string(),
  processors: listed({ kind: z.string(), model: z.string(), cores: z.string(), threads: z.string() }),
  memory: listed({ capacityMiB: z.string(), partNumber: z.string(), serial: z.string() }),
  drives: listed({
    model: z.string(),
    serial: z.string(),
    capacity: z.string(),
    media: z.string(),
    protocol: z.string(),
    lifeLeft: z.string(),
    predictedFailure: z.string(),
    firmware: z.string(),
  }),
  network: listed({ mac: z.string(), link: z.string(), speed: z.string() }),
  powerSupplies: listed({ model: z.string(), capacity: z.string(), takes: z.string(), gives: z.string() }),
  sensors: sensorsOutput,
  firmware: z.union([z.array(z.object({ name: z.string(), version: z.string(), state: z.string() })), z.string()]),
});

export const getHardwareInventory = readTool({
  name: 'getHardwareInventory',
  title: 'Hardware of one server',
  description:
    'What the server of a node is made of, as its BMC lists it: processors, memory modules, drives, network ports, power supplies and firmware, each with model, serial and health, and its sensors (temperatures, fans, power, voltages, leaks and more): counts and ranges of each kind, and those that are not well. What cannot be read is "unknown" with the reason.',
  risk: 'read',
  scope: 'read',
  input: z.strictObject({
    node: z.string().describe('Node name'),
    sensors: z.boolean().default(false).describe('List every sensor with its reading and limits'),
  }),
  positional: ['node'],
  example: { node: 'bos-w-1' },
  output,
  async run(context, { node, sensors: all }) {
    const entry = nodeNamed(context, node);
    const inventory = await context.bmcs.of(entry.name).inventory();
    const sensors = sensorsTold(inventory.sensors, all);
    return { node: entry.name, site: entry.site, ...told(inventory), sensors };
  },
  present: inventory => [
    { heading: `Hardware of ${inventory.node} (${inventory.site})` },
    {
      facts: [
        ['server', foreign(`${inventory.manufacturer} ${inventory.model}`)],
        ['serial', foreign(inventory.serial)],
        ['UUID', foreign(inventory.uuid)],
      ],
    },
    ...table('Processors', inventory.processors, ['processor', 'model', 'cores', 'threads'], each => [
      each.name,
      each.model,
      each.cores,
      each.threads,
    ]),
    ...table('Memory', inventory.memory, ['memory', 'MiB', 'part', 'serial'], each => [
      each.name,
      each.capacityMiB,
      each.partNumber,
      each.serial,
    ]),
    ...table(
      'Drives',
      inventory.drives,
      ['drive', 'model', 'serial', 'size', 'media', 'firmware', 'life left'],
      each => [
        each.name,
        each.model,
        each.serial,
        each.capacity,
        `${each.protocol} ${each.media}`,
        each.firmware,
        each.lifeLeft,
      ],
    ),
    ...table('Network', inventory.network, ['port', 'MAC', 'link', 'speed'], each => [
      each.name,
      each.mac,
      each.link,
      each.speed,
    ]),
    ...table(
      'Power supplies',
      inventory.powerSupplies,
      ['power supply', 'model', 'capacity', 'takes', 'gives'],
      each => [each.name, each.model, each.capacity, each.takes, each.gives],
    ),
    ...presentSensors(inventory.sensors),
    ...(typeof inventory.firmware === 'string'
      ? [{ text: `Firmware: ${inventory.firmware}`, tone: 'muted' as const }]
      : [
          {
            table: {
              columns: ['firmware', 'version', 'state'],
              rows: inventory.firmware.map(each => [each.name, each.version, each.state].map(foreign)),
            },
          },
        ]),
  ],
});

function told({ identity, processors, memory, drives, network, powerSupplies, firmware }: HardwareInventory) {
  return {
    manufacturer: showFact(identity.manufacturer),
    model: showFact(identity.model),
    serial: showFact(identity.serial),
    uuid: showFact(identity.uuid),
    processors: parts(processors, each => ({
      kind: each.kind,
      model: showFact(each.model),
      cores: showFact(each.cores),
      threads: showFact(each.threads),
    })),
    memory: parts(memory, each => ({
      capacityMiB: showFact(each.capacityMiB),
      partNumber: showFact(each.partNumber),
      serial: showFact(each.serial),
    })),
    drives: parts(drives, driveTold),
    network: parts(network, each => ({
      mac: showFact(each.mac),
      link: showFact(word(each.linkUp, up => (up ? 'up' : 'down'))),
      speed: showFact(word(each.speedMbps, speed => `${speed} Mbit/s`)),
    })),
    powerSupplies: parts(powerSupplies, each => ({
      model: showFact(each.model),
      capacity: showFact(word(each.capacityWatts, wattsText)),
      takes: showFact(word(each.inputWatts, wattsText)),
      gives: showFact(word(each.outputWatts, wattsText)),
    })),
    firmware: orReason(firmware, all =>
      all.map(({ name, version, state }) => ({ name, version: showFact(version), state })),
    ),
  };
}

function wattsText(watts: number): string {
  return `${watts} W`;
}

function driveTold(drive: Drive) {
  return {
    model: showFact(drive.model),
    serial: showFact(drive.serial),
    capacity: showFact(word(drive.capacityBytes, bytes => `${Math.round(bytes / 1e9)} GB`)),
    media: showFact(drive.media),
    protocol: showFact(drive.protocol),
    firmware: showFact(drive.firmware),
    lifeLeft: showFact(word(drive.lifeLeftPercent, percent => `${percent} %`)),
    predictedFailure: showFact(word(drive.predictedFailure, fails => (fails ? 'yes' : 'no'))),
  };
}

function parts<T extends Part, O extends object>(fact: Fact<T[]>, tell: (part: T) => O) {
  return orReason(fact, all =>
    all.map(each => ({ name: each.name, health: factValue(each.health) ?? 'unknown', ...tell(each) })),
  );
}

function word<T>(fact: Fact<T>, say: (value: T) => string): Fact<string> {
  return 'value' in fact ? { value: say(fact.value) } : fact;
}

function table<T extends { health: string }>(
  title: string,
  value: T[] | string,
  columns: string[],
  row: (part: T) => string[],
): Block[] {
  if (typeof value === 'string') return [{ text: `${title}: ${value}`, tone: 'muted' }];
  const rows = value.map((each): Cell[] => [...row(each).map(foreign), healthCell(each.health)]);
  return [{ table: { columns: [...columns, 'health'], rows } }];
}
