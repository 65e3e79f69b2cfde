/** Lenient views of the parts that a server is made of; see {@link ./schema.ts}. */
import { z } from 'zod';
import { flag, link, list, number, object, redundancies, status, text } from './schema.ts';

const texts = list(z.string());

export const processor = z.object({
  Name: text,
  ProcessorType: text,
  Model: text,
  TotalCores: number,
  TotalThreads: number,
  Status: status,
});
export type ProcessorBody = z.infer<typeof processor>;

export const memoryModule = z.object({
  Name: text,
  DeviceLocator: text,
  CapacityMiB: number,
  PartNumber: text,
  SerialNumber: text,
  Status: status,
});
export type MemoryModuleBody = z.infer<typeof memoryModule>;

export const drive = z.object({
  Name: text,
  Model: text,
  SerialNumber: text,
  CapacityBytes: number,
  MediaType: text,
  Protocol: text,
  FailurePredicted: flag,
  PredictedMediaLifeLeftPercent: number,
  Revision: text,
  FirmwareVersion: text,
  Status: status,
});
export type DriveBody = z.infer<typeof drive>;
/** `Volumes` of a storage subsystem. */
export const subsystem = z.object({ Volumes: link });
export const volume = z.object({
  Name: text,
  Status: status,
  Operations: list(z.object({ OperationName: text, Operation: text })),
});

export const simpleStorage = z.object({
  Devices: list(z.object({ Name: text, Model: text, CapacityBytes: number, Status: status })),
});

export const ethernetInterface = z.object({
  Name: text,
  MACAddress: text,
  PermanentMACAddress: text,
  LinkStatus: text,
  SpeedMbps: number,
  Status: status,
});
export const networkAdapter = z.object({ Ports: link, NetworkPorts: link, NetworkDeviceFunctions: link });
/** `Port`, and the `NetworkPort` that it came to replace. */
export const networkPort = z.object({
  Name: text,
  AssociatedNetworkAddresses: texts,
  Ethernet: object({ AssociatedMACAddresses: texts }),
  LinkStatus: text,
  CurrentSpeedGbps: number,
  CurrentLinkSpeedMbps: number,
  Status: status,
});

export const deviceFunction = z.object({
  Name: text,
  Ethernet: object({ MACAddress: text, PermanentMACAddress: text }),
  Status: status,
});

export const powerSubsystem = z.object({ PowerSupplies: link, PowerSupplyRedundancy: redundancies });
export const powerSupply = z.object({
  Name: text,
  Model: text,
  PowerCapacityWatts: number,
  PowerInputWatts: number,
  PowerOutputWatts: number,
  LastPowerOutputWatts: number,
  Metrics: link,
  Status: status,
});
export type PowerSupplyBody = z.infer<typeof powerSupply>;
const reading = object({ Reading: number });
export const supplyMetrics = z.object({ InputPowerWatts: reading, OutputPowerWatts: reading });
export const power = z.object({
  PowerSupplies: list(powerSupply.extend({ '@odata.id': text })),
  Redundancy: redundancies,
});
