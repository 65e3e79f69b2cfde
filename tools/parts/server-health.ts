/** A server's readings as tools answer them; each that is missing says why. */
import { type Fact, factValue, type SensorReading, type ServerHealth, showFact } from '../../src/core/bmc.ts';
import { orReason } from './cluster-reading.ts';
import type { SensorOutput, ServerOutput } from './health-output.ts';

export function serverOutput(server: Fact<ServerHealth>): ServerOutput {
  if ('unknown' in server) return unknownServer(server.unknown);
  const { identity, power, health, temperatures, fans, memory, firmware, log } = server.value;
  return {
    manufacturer: showFact(identity.manufacturer),
    model: showFact(identity.model),
    serial: showFact(identity.serial),
    uuid: showFact(identity.uuid),
    power: showFact(power),
    bmcHealth: showFact(health),
    temperatures: orReason(temperatures, all => all.map(sensorOutput)),
    fans: orReason(fans, all => all.map(sensorOutput)),
    memory: orReason(memory, all =>
      all.map(dimm => ({
        dimm: dimm.dimm,
        corrected: showFact(dimm.corrected),
        uncorrected: showFact(dimm.uncorrected),
        health: showFact(dimm.health),
      })),
    ),
    firmware: orReason(firmware, all =>
      all.map(member => ({ name: member.name, version: showFact(member.version), state: member.state })),
    ),
    log: orReason(log, all =>
      all.map(entry => ({ time: showFact(entry.created), severity: entry.severity, message: entry.message })),
    ),
  };
}

/** The one reason why nothing of the server could be read, said once and not for each reading. */
export function unreadReason({ serial, fans }: ServerOutput): string | undefined {
  return serial === fans ? serial : undefined;
}

function unknownServer(reason: string): ServerOutput {
  const text = `unknown (${reason})`;
  const words = { manufacturer: text, model: text, serial: text, uuid: text, power: text, bmcHealth: text };
  return { ...words, temperatures: text, fans: text, memory: text, firmware: text, log: text };
}

const units = { celsius: '°C', rpm: 'rpm', percent: '%' };

function sensorOutput(reading: SensorReading): SensorOutput {
  return {
    name: reading.name,
    reading: 'value' in reading.reading ? `${reading.reading.value} ${units[reading.unit]}` : showFact(reading.reading),
    health: factValue(reading.health) ?? 'unknown',
    upperCritical: reading.upperCritical,
  };
}
