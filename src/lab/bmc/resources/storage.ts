/** Drives under a Storage, or in a chassis of their own that a Storage links, or as bare devices of a SimpleStorage. */
import type { Controller } from '../controller.ts';
import type { DriveReading } from '../drives.ts';
import { worstHealth } from '../event-log.ts';
import type { StorageSpec } from '../profiles/hardware.ts';
import { type Body, collection, link } from '../reply.ts';
import { eraseMembers } from './erase.ts';
import type { Resources } from './tree.ts';

export function storageResources(bmc: Controller): Resources {
  return bmc.profile.storage.form === 'simple' ? simpleResources(bmc) : fullResources(bmc);
}

/** Links of the ComputerSystem to what there is. */
export function storageLinks({ profile, uris }: Controller): Body {
  return profile.storage.form === 'simple'
    ? { SimpleStorage: link(`${uris.system}/SimpleStorage`) }
    : { Storage: link(`${uris.system}/Storage`) };
}

/** URI of the chassis that holds the drives, where it is not the server's own. */
export function enclosureUri({ profile }: Controller): string | undefined {
  const { enclosureId } = profile.storage;
  return enclosureId === undefined ? undefined : `/redfish/v1/Chassis/${enclosureId}`;
}

function fullResources(bmc: Controller): Resources {
  const { id, name, drives } = bmc.profile.storage;
  const base = `${bmc.uris.system}/Storage`;
  const uri = `${base}/${id}`;
  const controllers = `${uri}/Controllers`;
  const enclosure = enclosureUri(bmc);
  const holder = `${enclosure ?? uri}/Drives`;
  const members = drives.map(drive => `${holder}/${drive.id}`);
  const { array } = bmc.profile.storage;
  return {
    [base]: () => collection({ uri: base, type: 'StorageCollection', name: 'Storage', members: [uri] }),
    [uri]: () => ({
      '@odata.id': uri,
      '@odata.type': '#Storage.v1_10_1.Storage',
      Id: id,
      Name: name,
      Controllers: link(controllers),
      ...(array === undefined ? {} : { Volumes: link(`${uri}/Volumes`) }),
      Drives: members.map(link),
      'Drives@odata.count': members.length,
      Links: { Enclosures: [link(enclosure ?? bmc.uris.chassis)], 'Enclosures@odata.count': 1 },
      Status: { Health: 'OK', HealthRollup: worstHealth(bmc.drives.drives()), State: 'Enabled' },
    }),
    [controllers]: () =>
      collection({
        uri: controllers,
        type: 'StorageControllerCollection',
        name: 'Storage Controllers',
        members: [`${controllers}/0`],
      }),
    [`${controllers}/0`]: () => controllerBody(bmc, `${controllers}/0`),
    ...(enclosure === undefined ? {} : enclosureResources(bmc, enclosure, members)),
    ...(array === undefined ? {} : volumeResources(bmc, `${uri}/Volumes`, { array, members })),
    ...Object.fromEntries(members.map((member, i) => [member, () => driveBody(bmc, member, bmc.drives.drives()[i])])),
  };
}

function controllerBody({ profile }: Controller, uri: string): Body {
  const protocols = new Set(profile.storage.drives.map(({ protocol }) => protocol));
  return {
    '@odata.id': uri,
    '@odata.type': '#StorageController.v1_2_0.StorageController',
    Id: '0',
    Name: `${profile.storage.name} Controller`,
    SupportedDeviceProtocols: [...protocols],
    Status: { Health: 'OK', State: 'Enabled' },
  };
}

function enclosureResources(bmc: Controller, enclosure: string, members: string[]): Resources {
  const { profile, uris } = bmc;
  return {
    [enclosure]: () => ({
      '@odata.id': enclosure,
      '@odata.type': '#Chassis.v1_16_0.Chassis',
      Id: profile.storage.enclosureId,
      Name: 'Storage Enclosure',
      ChassisType: 'StorageEnclosure',
      Manufacturer: profile.manufacturer,
      Drives: link(`${enclosure}/Drives`),
      Status: { Health: worstHealth(bmc.drives.drives()), State: 'Enabled' },
      Links: {
        ContainedBy: link(uris.chassis),
        ComputerSystems: [link(uris.system)],
        ManagedBy: [link(uris.manager)],
      },
    }),
    [`${enclosure}/Drives`]: () =>
      collection({ uri: `${enclosure}/Drives`, type: 'DriveCollection', name: 'Drives', members }),
  };
}

type Over = { array: NonNullable<StorageSpec['array']>; members: string[] };

function volumeResources({ faults }: Controller, uri: string, { array, members }: Over): Resources {
  const { id, name, raid } = array;
  const own = `${uri}/${id}`;
  return {
    [uri]: () => collection({ uri, type: 'VolumeCollection', name: 'Volumes', members: [own] }),
    [own]: () => {
      const rebuilding = faults.get('array-rebuilding') !== undefined;
      return {
        '@odata.id': own,
        '@odata.type': '#Volume.v1_6_2.Volume',
        Id: id,
        Name: name,
        RAIDType: raid,
        Status: { Health: rebuilding ? 'Warning' : 'OK', State: 'Enabled' },
        Operations: rebuilding ? [{ OperationName: 'Rebuilding', PercentageComplete: 12 }] : [],
        Links: { Drives: members.map(link), 'Drives@odata.count': members.length },
      };
    },
  };
}

/** Where a drive is, under its Storage or in a chassis of its own. */
export function driveUri(bmc: Controller, drive: string): string {
  return `${enclosureUri(bmc) ?? `${bmc.uris.system}/Storage/${bmc.profile.storage.id}`}/Drives/${drive}`;
}

function driveBody(bmc: Controller, uri: string, drive: DriveReading | undefined): Body {
  return {
    '@odata.id': uri,
    '@odata.type': '#Drive.v1_12_1.Drive',
    Id: drive?.id,
    Name: drive?.name,
    Manufacturer: drive?.manufacturer,
    Model: drive?.model,
    SerialNumber: drive?.serial,
    Revision: drive?.revision,
    CapacityBytes: drive?.capacityBytes,
    MediaType: drive?.media,
    Protocol: drive?.protocol,
    FailurePredicted: drive?.predictedFailure,
    PredictedMediaLifeLeftPercent: drive?.lifeLeftPercent ?? null,
    Status: { Health: drive?.health, State: 'Enabled' },
    ...eraseMembers(bmc, drive?.id),
    Links: { Chassis: link(enclosureUri(bmc) ?? bmc.uris.chassis) },
  };
}

function simpleResources(bmc: Controller): Resources {
  const { id, name } = bmc.profile.storage;
  const base = `${bmc.uris.system}/SimpleStorage`;
  const uri = `${base}/${id}`;
  return {
    [base]: () => collection({ uri: base, type: 'SimpleStorageCollection', name: 'Simple Storage', members: [uri] }),
    [uri]: () => ({
      '@odata.id': uri,
      '@odata.type': '#SimpleStorage.v1_2_2.SimpleStorage',
      Id: id,
      Name: name,
      Devices: bmc.drives.drives().map(drive => ({
        Name: drive.name,
        Manufacturer: drive.manufacturer,
        Model: drive.model,
        CapacityBytes: drive.capacityBytes,
        Status: { Health: drive.health, State: 'Enabled' },
      })),
      Status: { Health: worstHealth(bmc.drives.drives()), State: 'Enabled' },
    }),
  };
}
