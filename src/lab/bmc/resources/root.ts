/** Service root and manager: what the BMC says about itself. */
import type { Controller } from '../controller.ts';
import { type Body, collection, link } from '../reply.ts';
import { baseboardUris } from './baseboard.ts';
import { managerResetAction } from './manager-reset.ts';
import type { Resources } from './tree.ts';
import { virtualMediaLink } from './virtual-media.ts';

export function rootResources(bmc: Controller): Resources {
  const { manager } = bmc.uris;
  const baseboard = baseboardUris(bmc);
  const members = [manager, ...(baseboard === undefined ? [] : [baseboard.manager])];
  return {
    '/redfish': () => ({ v1: '/redfish/v1/' }),
    '/redfish/v1': () => serviceRoot(bmc),
    '/redfish/v1/Managers': () =>
      collection({ uri: '/redfish/v1/Managers', type: 'ManagerCollection', name: 'Managers', members }),
    [manager]: () => managerBody(bmc),
  };
}

function serviceRoot({ profile }: Controller): Body {
  const { root, expand } = profile;
  return {
    '@odata.id': '/redfish/v1',
    '@odata.type': '#ServiceRoot.v1_10_0.ServiceRoot',
    Id: 'RootService',
    Name: root.name,
    RedfishVersion: root.redfishVersion,
    ...(root.vendor === undefined ? {} : { Vendor: root.vendor }),
    ...(root.product === undefined ? {} : { Product: root.product }),
    ProtocolFeaturesSupported: {
      ExpandQuery: {
        ExpandAll: false,
        Levels: expand > 0,
        Links: false,
        NoLinks: expand > 0,
        ...(expand > 0 ? { MaxLevels: expand } : {}),
      },
      FilterQuery: false,
      SelectQuery: false,
      OnlyMemberQuery: false,
      ExcerptQuery: false,
    },
    Systems: link('/redfish/v1/Systems'),
    Chassis: link('/redfish/v1/Chassis'),
    Managers: link('/redfish/v1/Managers'),
    AccountService: link('/redfish/v1/AccountService'),
    SessionService: link('/redfish/v1/SessionService'),
    UpdateService: link('/redfish/v1/UpdateService'),
    Tasks: link('/redfish/v1/TaskService'),
    EventService: link('/redfish/v1/EventService'),
    Registries: link('/redfish/v1/Registries'),
    Links: { Sessions: link('/redfish/v1/SessionService/Sessions') },
    ...(root.oem === undefined ? {} : { Oem: root.oem }),
  };
}

function managerBody(bmc: Controller): Body {
  const { profile, uris, updates, life } = bmc;
  const { manager, log } = profile;
  const all = [uris, bmc.neighbour?.uris].filter(each => each !== undefined);
  const active = profile.inventory(updates.firmware).find(({ related }) => related === 'manager');
  return {
    '@odata.id': uris.manager,
    '@odata.type': '#Manager.v1_12_0.Manager',
    Id: profile.managerId,
    Name: manager.name,
    ManagerType: 'BMC',
    Model: manager.model,
    FirmwareVersion: `${manager.versionPrefix}${updates.firmware.bmc}`,
    DateTime: bmc.now().toISOString(),
    DateTimeLocalOffset: '+00:00',
    ...(manager.lastReset ? { LastResetTime: life.lastReset.toISOString() } : {}),
    Status: { Health: 'OK', State: 'Enabled' },
    PowerState: 'On',
    ...(log.owner === 'manager' ? { LogServices: link(`${uris.manager}/LogServices`) } : {}),
    ...virtualMediaLink(bmc, 'manager'),
    Actions: { '#Manager.Reset': managerResetAction(bmc) },
    Links: {
      ManagerForServers: all.map(each => link(each.system)),
      ManagerForChassis: all.map(each => link(each.chassis)),
      ...(profile.vendor === 'dell'
        ? {
            Oem: {
              Dell: { '@odata.type': '#DellOem.v1_3_0.DellOemLinks', Jobs: link(`${uris.manager}/Oem/Dell/Jobs`) },
            },
          }
        : {}),
      ...(active === undefined
        ? {}
        : { ActiveSoftwareImage: link(`/redfish/v1/UpdateService/FirmwareInventory/${active.id}`) }),
    },
    ...(manager.oem === undefined ? {} : { Oem: manager.oem }),
  };
}
