/** The enclosure that cooling and sensors hang under. */
import type { Controller } from '../controller.ts';
import { type Body, collection, link } from '../reply.ts';
import { auxPowerResetAction } from './aux-power-reset.ts';
import { baseboardUris } from './baseboard.ts';
import { hasAdapters } from './network.ts';
import { powerLinks } from './power.ts';
import { enclosureUri } from './storage.ts';
import { rolledUpHealth } from './system.ts';
import type { Resources } from './tree.ts';

export function chassisResources(bmc: Controller): Resources {
  const { chassis } = bmc.uris;
  const neighbour = bmc.neighbour?.uris.chassis;
  const members = [chassis, neighbour, enclosureUri(bmc), baseboardUris(bmc)?.chassis].filter(uri => uri !== undefined);
  return {
    '/redfish/v1/Chassis': () =>
      collection({ uri: '/redfish/v1/Chassis', type: 'ChassisCollection', name: 'Chassis', members }),
    [chassis]: () => chassisBody(bmc),
  };
}

function chassisBody(bmc: Controller): Body {
  const { profile, uris, host } = bmc;
  const { legacy, subsystem } = profile.thermal;
  return {
    '@odata.id': uris.chassis,
    '@odata.type': '#Chassis.v1_16_0.Chassis',
    Id: profile.chassisId,
    Name: 'Computer System Chassis',
    ChassisType: 'RackMount',
    Manufacturer: profile.manufacturer,
    Model: profile.model,
    SerialNumber: host.serial,
    PowerState: bmc.shownPower.state,
    Status: { Health: rolledUpHealth(bmc), State: 'Enabled' },
    ...(legacy ? { Thermal: link(`${uris.chassis}/Thermal`) } : {}),
    ...(subsystem
      ? { ThermalSubsystem: link(`${uris.chassis}/ThermalSubsystem`), Sensors: link(`${uris.chassis}/Sensors`) }
      : {}),
    ...powerLinks(bmc),
    ...(hasAdapters(bmc) ? { NetworkAdapters: link(`${uris.chassis}/NetworkAdapters`) } : {}),
    Links: { ComputerSystems: [link(uris.system)], ManagedBy: [link(uris.manager)] },
    ...auxPowerResetAction(bmc),
  };
}
