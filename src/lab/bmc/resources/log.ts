/** The event log as a LogService with entries, in the vendor's order. Paging is cut by the server. */
import type { Controller } from '../controller.ts';
import { capacity, type EventEntry } from '../event-log.ts';
import { type Body, collection, link } from '../reply.ts';
import type { Resources } from './tree.ts';

export function logResources(bmc: Controller): Resources {
  const { log } = bmc.uris;
  const services = log.slice(0, log.lastIndexOf('/'));
  const entriesUri = `${log}/Entries`;
  const { profile } = bmc;
  return {
    [services]: () => collection({ uri: services, type: 'LogServiceCollection', name: 'Log Services', members: [log] }),
    [log]: () => ({
      '@odata.id': log,
      '@odata.type': '#LogService.v1_2_0.LogService',
      Id: profile.log.id,
      Name: profile.log.name,
      ServiceEnabled: true,
      LogEntryType: profile.log.serviceType ?? (profile.log.entryType === 'Oem' ? 'OEM' : profile.log.entryType),
      MaxNumberOfRecords: capacity,
      OverWritePolicy: profile.log.stopsWhenFull ? 'NeverOverWrites' : 'WrapsWhenFull',
      DateTime: bmc.now().toISOString(),
      Entries: link(entriesUri),
      Actions: { '#LogService.ClearLog': { target: clearLogUri(bmc) } },
    }),
    [entriesUri]: () => {
      const entries = current(bmc).map(entry => entryBody(bmc, entry));
      return {
        '@odata.id': entriesUri,
        '@odata.type': '#LogEntryCollection.LogEntryCollection',
        Name: `${profile.log.name} Entries`,
        Members: profile.log.newestFirst ? entries.toReversed() : entries,
        'Members@odata.count': entries.length,
      };
    },
    ...Object.fromEntries(bmc.log.entries().map(entry => [`${entriesUri}/${entry.id}`, () => entryBody(bmc, entry)])),
  };
}

export function clearLogUri({ uris }: Controller): string {
  return `${uris.log}/Actions/LogService.ClearLog`;
}

/** The entries after sensors and DIMMs had a look at what happened since. */
function current(bmc: Controller): readonly EventEntry[] {
  bmc.thermal.fans();
  bmc.thermal.temperatures();
  bmc.memory.dimms();
  return bmc.log.entries();
}

function entryBody({ profile, uris }: Controller, entry: EventEntry): Body {
  const { entryType, oemRecordFormat } = profile.log;
  return {
    '@odata.id': `${uris.log}/Entries/${entry.id}`,
    '@odata.type': '#LogEntry.v1_9_0.LogEntry',
    Id: String(entry.id),
    Name: `Log Entry ${entry.id}`,
    EntryType: entryType,
    ...(oemRecordFormat === undefined ? {} : { OemRecordFormat: oemRecordFormat }),
    Severity: entry.severity,
    Created: entry.created.toISOString(),
    Message: entry.message,
    MessageId: entry.messageId,
  };
}
