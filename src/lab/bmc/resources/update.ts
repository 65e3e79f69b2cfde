/** UpdateService and the firmware inventory with all its copies. */
import type { Controller } from '../controller.ts';
import type { BmcProfile, InventoryMember } from '../profiles/profile.ts';
import { type Body, collection, link } from '../reply.ts';
import type { Task, TaskStage } from '../task.ts';
import { driveUri } from './storage.ts';
import type { Resources } from './tree.ts';

const updateServiceUri = '/redfish/v1/UpdateService';
export const simpleUpdateUri = `${updateServiceUri}/Actions/UpdateService.SimpleUpdate`;
export const startUpdateUri = `${updateServiceUri}/Actions/UpdateService.StartUpdate`;
export const inventoryUri = `${updateServiceUri}/FirmwareInventory`;
const actionInfoUri = `${updateServiceUri}/SimpleUpdateActionInfo`;
export const transferProtocols = ['HTTP', 'HTTPS'];

export function updateResources(bmc: Controller): Resources {
  const { neighbour } = bmc;
  const members = [
    ...bmc.profile.inventory(bmc.updates.firmware),
    ...(neighbour?.profile.inventory(neighbour.updates.firmware) ?? []),
  ];
  const drives = bmc.drives.drives().flatMap((drive, index) => {
    const member = bmc.profile.driveMember?.(drive, index);
    return member === undefined ? [] : [{ member, drive: driveUri(bmc, drive.id) }];
  });
  return {
    [updateServiceUri]: () => serviceBody(bmc),
    ...(bmc.profile.allowableValues === 'inline' || bmc.profile.update.simpleTargets === 'absent'
      ? {}
      : { [actionInfoUri]: () => actionInfo(bmc.profile) }),
    [inventoryUri]: () =>
      collection({
        uri: inventoryUri,
        type: 'SoftwareInventoryCollection',
        name: 'Firmware Inventory',
        members: [...members, ...drives.map(({ member }) => member)].map(({ id }) => `${inventoryUri}/${id}`),
      }),
    ...Object.fromEntries(members.map(member => [`${inventoryUri}/${member.id}`, () => memberBody(bmc, member)])),
    ...Object.fromEntries(
      drives.map(({ member, drive }) => [`${inventoryUri}/${member.id}`, () => memberBody(bmc, member, drive)]),
    ),
  };
}

function serviceBody({ profile, faults, tasks }: Controller): Body {
  const { push } = profile.update;
  const newest = tasks.all().findLast(({ kind }) => kind === 'firmware');
  return {
    '@odata.id': updateServiceUri,
    '@odata.type': '#UpdateService.v1_9_0.UpdateService',
    Id: 'UpdateService',
    Name: 'Update Service',
    ServiceEnabled: true,
    Status: { Health: 'OK', State: 'Enabled' },
    FirmwareInventory: link(inventoryUri),
    ...(push === undefined || faults.get('push-bytes-only') ? {} : { MultipartHttpPushUri: push.multipart }),
    ...pushUri(push?.stream ?? profile.update.webUpload),
    ...(push?.stream === undefined ? {} : { HttpPushUriTargets: faults.get('push-bytes-only')?.only ?? [] }),
    ...(push?.applyTime === undefined
      ? {}
      : { HttpPushUriOptions: { HttpPushUriApplyTime: { ApplyTime: push.applyTime } } }),
    Actions: {
      ...(profile.update.simpleTargets === 'absent'
        ? {}
        : { '#UpdateService.SimpleUpdate': simpleUpdateAction(profile) }),
      ...(push?.waitsForStart ? { '#UpdateService.StartUpdate': { target: startUpdateUri } } : {}),
    },
    ...(profile.update.oemState ? oemState(newest) : {}),
  };
}

function pushUri(uri: string | undefined): Body {
  return uri === undefined ? {} : { HttpPushUri: uri };
}

/** iLO's own: what the newest update does, also while no task tells of it. */
function oemState(newest: Task | undefined): Body {
  const state = newest === undefined ? 'Idle' : oemStates[newest.stage];
  return {
    Oem: { Hpe: { '@odata.type': '#HpeiLOUpdateServiceExt.v2_6_0.HpeiLOUpdateServiceExt', State: state } },
  };
}

const oemStates: Readonly<Record<TaskStage, string>> = {
  download: 'Uploading',
  staged: 'Complete',
  flash: 'Updating',
  completed: 'Complete',
  failed: 'Error',
};

function simpleUpdateAction({ allowableValues, update }: BmcProfile): Body {
  const { applyTimes, simpleTargets } = update;
  return {
    target: simpleUpdateUri,
    ...(simpleTargets === undefined ? {} : { 'Targets@Redfish.AllowableValues': simpleTargets }),
    ...(allowableValues === 'inline'
      ? { 'TransferProtocol@Redfish.AllowableValues': transferProtocols }
      : { '@Redfish.ActionInfo': actionInfoUri }),
    ...(applyTimes === undefined
      ? {}
      : {
          '@Redfish.OperationApplyTimeSupport': {
            '@odata.type': '#Settings.v1_3_3.OperationApplyTimeSupport',
            SupportedValues: applyTimes,
          },
        }),
  };
}

function actionInfo({ update }: BmcProfile): Body {
  const own = update.ownParameters;
  return {
    '@odata.id': actionInfoUri,
    '@odata.type': '#ActionInfo.v1_1_2.ActionInfo',
    Id: 'SimpleUpdateActionInfo',
    Name: 'Simple Update Action Info',
    Parameters: [
      { Name: 'ImageURI', Required: true, DataType: 'String' },
      { Name: 'TransferProtocol', Required: false, DataType: 'String', AllowableValues: transferProtocols },
      { Name: 'Targets', Required: false, DataType: 'StringArray' },
      ...(own === undefined
        ? []
        : [
            { Name: 'UpdateComponent', Required: false, DataType: 'String', AllowableValues: own.UpdateComponent },
            { Name: 'ResetBMC', Required: false, DataType: 'Boolean' },
          ]),
    ],
  };
}

function memberBody({ uris }: Controller, member: InventoryMember, drive = ''): Body {
  const { related, softwareId, oem } = member;
  return {
    '@odata.id': `${inventoryUri}/${member.id}`,
    '@odata.type': '#SoftwareInventory.v1_4_0.SoftwareInventory',
    Id: member.id,
    Name: member.name,
    Description: member.description,
    Version: member.version,
    Updateable: true,
    Status: { Health: 'OK', State: member.state },
    ...(softwareId === undefined ? {} : { SoftwareId: softwareId }),
    ...(related === undefined ? {} : { RelatedItem: [link({ ...uris, drive }[related])] }),
    ...(oem === undefined ? {} : { Oem: oem }),
  };
}
