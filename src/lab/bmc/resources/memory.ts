/** DIMMs, and their ECC counters on the vendors that show them. */
import type { Controller } from '../controller.ts';
import type { DimmReading } from '../memory.ts';
import { type Body, collection, link } from '../reply.ts';
import type { Resources } from './tree.ts';

export function memoryResources(bmc: Controller): Resources {
  const base = `${bmc.uris.system}/Memory`;
  const { dimms, metrics } = bmc.profile.memory;
  const read = (id: string) => bmc.memory.dimms().find(dimm => dimm.id === id);
  const resources: Resources = {
    [base]: () =>
      collection({
        uri: base,
        type: 'MemoryCollection',
        name: 'Memory',
        members: dimms.map(({ id }) => `${base}/${id}`),
      }),
  };
  for (const { id } of dimms) {
    const uri = `${base}/${id}`;
    resources[uri] = () => dimmBody(bmc, uri, read(id));
    if (metrics) resources[`${uri}/MemoryMetrics`] = () => metricsBody(`${uri}/MemoryMetrics`, read(id));
  }
  return resources;
}

function dimmBody({ profile, uris }: Controller, uri: string, dimm: DimmReading | undefined): Body {
  const health = dimm?.health ?? 'OK';
  const status = health === 'OK' ? 'GoodInUse' : 'DegradedInUse';
  return {
    '@odata.id': uri,
    '@odata.type': '#Memory.v1_19_0.Memory',
    Id: dimm?.id,
    Name: dimm?.name,
    DeviceLocator: dimm?.name,
    MemoryType: 'DRAM',
    MemoryDeviceType: profile.memory.part.type,
    Manufacturer: profile.memory.part.manufacturer,
    PartNumber: profile.memory.part.partNumber,
    SerialNumber: dimm?.serial,
    CapacityMiB: dimm?.capacityMiB,
    ErrorCorrection: 'MultiBitECC',
    OperatingSpeedMhz: profile.memory.part.speedMhz,
    Status: { Health: health, State: 'Enabled' },
    Links: { Chassis: link(uris.chassis) },
    ...(profile.memory.metrics ? { Metrics: link(`${uri}/MemoryMetrics`) } : {}),
    ...(profile.vendor === 'hpe' ? { Oem: { Hpe: { DIMMStatus: status } } } : {}),
  };
}

function metricsBody(uri: string, dimm: DimmReading | undefined): Body {
  const counts = {
    CorrectableECCErrorCount: dimm?.corrected,
    UncorrectableECCErrorCount: dimm?.uncorrected,
  };
  return {
    '@odata.id': uri,
    '@odata.type': '#MemoryMetrics.v1_4_1.MemoryMetrics',
    Id: 'MemoryMetrics',
    Name: `${dimm?.name} Metrics`,
    CurrentPeriod: counts,
    LifeTime: counts,
    HealthData: {
      AlarmTrips: {
        CorrectableECCError: dimm?.health === 'Warning',
        UncorrectableECCError: dimm?.health === 'Critical',
        Temperature: false,
      },
    },
  };
}
