/**
 * Lenient views of Redfish resources. Only what is read is named, and whatever
 * is missing or of an odd type becomes null instead of failing the resource:
 * no real machine follows the standard everywhere.
 */
import { z } from 'zod';

export function nullish<T extends z.ZodType>(type: T) {
  return type.nullish().catch(null);
}

/** The well-formed elements; anything that is no array counts as empty. */
export function list<T extends z.ZodType>(element: T) {
  return z
    .array(z.unknown())
    .catch([])
    .transform(items =>
      items.flatMap(item => {
        const parsed = element.safeParse(item);
        return parsed.success ? [parsed.data] : [];
      }),
    );
}

const text = nullish(z.string());
const number = nullish(z.number());
const link = nullish(z.object({ '@odata.id': z.string() }).transform(each => each['@odata.id']));
const links = list(z.object({ '@odata.id': z.string() }).transform(each => each['@odata.id']));
const object = <S extends z.ZodRawShape>(shape: S) => nullish(z.object(shape));
const status = object({ State: text, Health: text, HealthRollup: text });
export type Status = z.infer<typeof status>;

const action = object({
  target: text,
  '@Redfish.ActionInfo': text,
  'ResetType@Redfish.AllowableValues': nullish(z.array(z.string())),
  'TransferProtocol@Redfish.AllowableValues': nullish(z.array(z.string())),
});
export type Action = z.infer<typeof action>;

export const serviceRoot = z.object({
  Vendor: text,
  Product: text,
  Oem: nullish(z.record(z.string(), z.unknown())),
  Systems: link,
  Chassis: link,
  Managers: link,
  Tasks: link,
  UpdateService: link,
  SessionService: link,
  Links: object({ Sessions: link }),
});
export type ServiceRoot = z.infer<typeof serviceRoot>;

export const sessionService = z.object({ Sessions: link });

export const collection = z.object({
  Members: list(z.looseObject({ '@odata.id': nullish(z.string()) })),
  'Members@odata.nextLink': text,
});

export const computerSystem = z.object({
  Id: text,
  UUID: text,
  SerialNumber: text,
  Manufacturer: text,
  Model: text,
  SystemType: text,
  PowerState: text,
  BiosVersion: text,
  LastResetTime: text,
  Status: status,
  Memory: link,
  LogServices: link,
  Links: object({ ManagedBy: links }),
  Actions: object({ '#ComputerSystem.Reset': action }),
});
export type ComputerSystem = z.infer<typeof computerSystem>;

export const manager = z.object({
  Model: text,
  FirmwareVersion: text,
  LogServices: link,
  Links: object({
    ActiveSoftwareImage: link,
    Oem: object({ Dell: object({ Jobs: link }) }),
  }),
});
export type Manager = z.infer<typeof manager>;

export const chassis = z.object({
  Id: text,
  Thermal: link,
  ThermalSubsystem: link,
  Links: object({ ComputerSystems: links }),
});

export const thermal = z.object({
  Temperatures: list(
    z.object({
      '@odata.id': text,
      MemberId: text,
      Name: text,
      ReadingCelsius: number,
      UpperThresholdNonCritical: number,
      UpperThresholdCritical: number,
      Status: status,
    }),
  ),
  Fans: list(
    z.object({
      '@odata.id': text,
      MemberId: text,
      Name: text,
      FanName: text,
      Reading: number,
      CurrentReading: number,
      ReadingUnits: text,
      Units: text,
      Status: status,
    }),
  ),
});

export const thermalSubsystem = z.object({ Fans: link, ThermalMetrics: link });
export const thermalMetrics = z.object({
  TemperatureReadingsCelsius: list(z.object({ DeviceName: text, Reading: number, DataSourceUri: text })),
});
export const fan = z.object({
  '@odata.id': text,
  Name: text,
  Status: status,
  SpeedPercent: object({ Reading: number, SpeedRPM: number }),
});
export const sensor = z.object({
  Name: text,
  Reading: number,
  Status: status,
  Thresholds: object({ UpperCaution: object({ Reading: number }), UpperCritical: object({ Reading: number }) }),
});

export const memory = z.object({ Name: text, DeviceLocator: text, Status: status, Metrics: link });
const errorCounts = object({ CorrectableECCErrorCount: number, UncorrectableECCErrorCount: number });
export const memoryMetrics = z.object({
  LifeTime: errorCounts,
  CurrentPeriod: errorCounts,
  HealthData: object({
    AlarmTrips: object({ CorrectableECCError: nullish(z.boolean()), UncorrectableECCError: nullish(z.boolean()) }),
  }),
});

export const logService = z.object({ Id: text, LogEntryType: text, Entries: link });
export const logEntry = z.object({
  Id: text,
  Created: text,
  Severity: text,
  MessageSeverity: text,
  Message: text,
});

export const updateService = z.object({
  FirmwareInventory: link,
  SoftwareInventory: link,
  Actions: object({ '#UpdateService.SimpleUpdate': action }),
});
export const softwareInventory = z.object({
  Id: text,
  Name: text,
  Version: text,
  Status: status,
  RelatedItem: links,
});

export const actionInfo = z.object({
  Parameters: list(z.object({ Name: text, AllowableValues: nullish(z.array(z.string())) })),
});

export const taskService = z.object({ Tasks: link });
const taskMessage = z.object({ MessageId: text, Message: text });
export const task = z.object({
  TaskState: text,
  TaskStatus: text,
  PercentComplete: number,
  Messages: list(taskMessage),
});
export type Task = z.infer<typeof task>;
export const dellJob = z.object({ JobState: text, PercentComplete: number, Message: text });
export type DellJob = z.infer<typeof dellJob>;
