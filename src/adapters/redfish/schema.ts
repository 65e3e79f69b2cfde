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

export const text = nullish(z.string());
export const number = nullish(z.number());
export const flag = nullish(z.boolean());
export const texts = nullish(z.array(z.string()));
export const link = nullish(z.object({ '@odata.id': z.string() }).transform(each => each['@odata.id']));
const links = list(z.object({ '@odata.id': z.string() }).transform(each => each['@odata.id']));
export const object = <S extends z.ZodRawShape>(shape: S) => nullish(z.object(shape));
export const status = object({ State: text, Health: text, HealthRollup: text });
export type Status = z.infer<typeof status>;

/** Where a resource takes changes that it shows only once they are in force. */
export const settings = object({ SettingsObject: link, SupportedApplyTimes: texts });

export const action = object({
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
  EventService: link,
  Registries: link,
  SessionService: link,
  Links: object({ Sessions: link }),
  ProtocolFeaturesSupported: object({
    ExpandQuery: object({ NoLinks: flag, ExpandAll: flag, Levels: flag, MaxLevels: number }),
  }),
});
export type ServiceRoot = z.infer<typeof serviceRoot>;

export const sessionService = z.object({ Sessions: link });

/** The standard demands both of every resource; a bare link has neither. */
function isWhole(inline: object): boolean {
  return 'Id' in inline && 'Name' in inline;
}

function membersOf(of: z.ZodType) {
  return list(
    z.looseObject({ '@odata.id': text }).transform(member => {
      const { success, data } = of.safeParse(member);
      return { uri: member['@odata.id'], whole: success && isWhole(member), inline: data };
    }),
  );
}

/** The standard's link to the next page names the list; some firmware leaves the name out. */
const nextPage = { 'Members@odata.nextLink': text, '@odata.nextLink': text };
const nextOf = (page: { 'Members@odata.nextLink'?: string | null; '@odata.nextLink'?: string | null }) =>
  page['Members@odata.nextLink'] ?? page['@odata.nextLink'] ?? undefined;

function collectionThrough(of: z.ZodType) {
  return z
    .object({
      Members: membersOf(of),
      /** A Storage is not a collection, and lists its drives like one. */
      Drives: membersOf(of),
      ...nextPage,
    })
    .transform(page => ({ Members: page.Members, Drives: page.Drives, next: nextOf(page) }));
}
type Collection = ReturnType<typeof collectionThrough>;

const collections = new WeakMap<z.ZodType, Collection>();
const nothing = z.unknown().transform(() => undefined);

/** A collection, and what is to be seen of members that the BMC writes into it. One and the same for each schema, which it is remembered by. */
export function collectionOf(of: z.ZodType = nothing): Collection {
  const collection = collections.get(of) ?? collectionThrough(of);
  collections.set(of, collection);
  return collection;
}

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
  Processors: link,
  Memory: link,
  MemorySummary: object({ Status: status }),
  Storage: link,
  SimpleStorage: link,
  EthernetInterfaces: link,
  LogServices: link,
  Links: object({ Chassis: links, ManagedBy: links }),
  Actions: object({ '#ComputerSystem.Reset': action }),
});
export type ComputerSystem = z.infer<typeof computerSystem>;

export const manager = z.object({
  Model: text,
  FirmwareVersion: text,
  DateTime: text,
  LogServices: link,
  Links: object({
    ActiveSoftwareImage: link,
    Oem: object({ Dell: object({ Jobs: link }) }),
  }),
});
export type Manager = z.infer<typeof manager>;

export const chassis = z.object({
  Id: text,
  Manufacturer: text,
  Model: text,
  Thermal: link,
  ThermalSubsystem: link,
  Power: link,
  PowerSubsystem: link,
  Sensors: link,
  EnvironmentMetrics: link,
  NetworkAdapters: link,
  Links: object({ ComputerSystems: links }),
});

/** The older form is an object with a name, the newer has neither address nor name. */
export const redundancies = list(z.object({ '@odata.id': text, Name: text, GroupName: text, Status: status }));

export type Redundancies = z.infer<typeof redundancies>;

export const thermal = z.object({
  Redundancy: redundancies,
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

export const thermalSubsystem = z.object({ Fans: link, ThermalMetrics: link, FanRedundancy: redundancies });
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

const errorCounts = object({ CorrectableECCErrorCount: number, UncorrectableECCErrorCount: number });
export const memoryMetrics = z.object({
  LifeTime: errorCounts,
  CurrentPeriod: errorCounts,
  HealthData: object({
    AlarmTrips: object({ CorrectableECCError: flag, UncorrectableECCError: flag }),
  }),
});
export const memory = z.object({
  Name: text,
  DeviceLocator: text,
  Status: status,
  /** A link, or the resource itself where it was expanded. */
  Metrics: nullish(
    z
      .looseObject({ '@odata.id': z.string() })
      .transform(each => ({ uri: each['@odata.id'], inline: isWhole(each) ? memoryMetrics.parse(each) : undefined })),
  ),
});
export type MemoryBody = z.infer<typeof memory>;

export const logService = z.object({
  Id: text,
  LogEntryType: text,
  Entries: link,
  MaxNumberOfRecords: number,
  OverWritePolicy: text,
});
export type LogService = z.infer<typeof logService>;
export const logEntry = z.object({
  '@odata.id': text,
  Id: text,
  Created: text,
  Severity: text,
  MessageSeverity: text,
  Message: text,
});
export const logPage = z
  .object({ Members: list(logEntry), ...nextPage })
  .transform(page => ({ Members: page.Members, next: nextOf(page) }));
export const counted = z.object({ 'Members@odata.count': number });

export const updateService = z.object({
  FirmwareInventory: link,
  SoftwareInventory: link,
  MultipartHttpPushUri: text,
  HttpPushUri: text,
  HttpPushUriTargets: texts,
  HttpPushUriOptions: object({ HttpPushUriApplyTime: object({ ApplyTime: text }) }),
  Actions: object({ '#UpdateService.SimpleUpdate': action, '#UpdateService.StartUpdate': action }),
  Oem: object({ Hpe: object({ State: text }) }),
});
export const softwareInventory = z.object({
  Updateable: flag,
  Id: text,
  Name: text,
  Version: text,
  Status: status,
  RelatedItem: links,
});

const actionParameter = z.object({ Name: text, AllowableValues: nullish(z.array(z.string())) });
export type ActionParameter = z.infer<typeof actionParameter>;
export const actionInfo = z.object({ Parameters: list(actionParameter) });

export const taskService = z.object({ Tasks: link });
const taskMessage = z.object({ MessageId: text, Message: text });
export const task = z.object({
  TaskState: text,
  TaskStatus: text,
  PercentComplete: number,
  Messages: list(taskMessage),
});
export type Task = z.infer<typeof task>;
export const dellJob = z.object({ JobState: text, PercentComplete: number, Message: text, MessageId: text });
export type DellJob = z.infer<typeof dellJob>;
