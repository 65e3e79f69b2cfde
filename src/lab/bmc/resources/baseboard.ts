/**
 * Accelerators behind the same BMC that look like a server: a system, a
 * manager and a chassis, but nothing that can be reset. Who takes it for the
 * server reads the wrong identity.
 */

import { seededText } from '../../random.ts';
import type { Controller } from '../controller.ts';
import type { BaseboardSpec } from '../profiles/hardware.ts';
import { link } from '../reply.ts';
import { processorSummary, processorsUnder } from './processors.ts';
import type { Resources } from './tree.ts';

export type BaseboardUris = { system: string; manager: string; chassis: string };

/** Where it is; undefined on machines that have none. */
export function baseboardUris({ profile }: Controller): BaseboardUris | undefined {
  const { baseboard } = profile;
  return baseboard === undefined
    ? undefined
    : {
        system: `/redfish/v1/Systems/${baseboard.systemId}`,
        manager: `/redfish/v1/Managers/${baseboard.managerId}`,
        chassis: `/redfish/v1/Chassis/${baseboard.chassisId}`,
      };
}

export function baseboardResources(bmc: Controller): Resources {
  const { baseboard } = bmc.profile;
  const uris = baseboardUris(bmc);
  if (baseboard === undefined || uris === undefined) return {};
  const { processors } = baseboard;
  return { ...bodies(bmc, baseboard, uris), ...processorsUnder({ ...uris, processors }) };
}

function bodies(bmc: Controller, baseboard: BaseboardSpec, uris: BaseboardUris): Resources {
  const { host, seed, life } = bmc;
  const { manufacturer, model } = baseboard;
  const made = {
    Manufacturer: manufacturer,
    Model: model,
    SerialNumber: seededText(seed, `${host.name}/baseboard/serial`, '0123456789', 13),
    PowerState: host.poweredOn ? 'On' : 'Off',
    Status: { Health: 'OK', State: 'Enabled' },
  };
  return {
    [uris.system]: () => ({
      '@odata.id': uris.system,
      '@odata.type': '#ComputerSystem.v1_16_0.ComputerSystem',
      Id: baseboard.systemId,
      Name: baseboard.systemId,
      SystemType: 'Physical',
      ...made,
      ProcessorSummary: processorSummary(baseboard.processors),
      Processors: link(`${uris.system}/Processors`),
      Links: { Chassis: [link(uris.chassis)], ManagedBy: [link(uris.manager)] },
    }),
    [uris.manager]: () => ({
      '@odata.id': uris.manager,
      '@odata.type': '#Manager.v1_12_0.Manager',
      Id: baseboard.managerId,
      Name: 'Baseboard Manager',
      ManagerType: 'Service',
      FirmwareVersion: baseboard.version,
      DateTime: bmc.now().toISOString(),
      DateTimeLocalOffset: '+00:00',
      LastResetTime: life.lastReset.toISOString(),
      PowerState: 'On',
      Status: { Health: 'OK', State: 'Enabled' },
      Links: { ManagerForServers: [link(uris.system)], ManagerForChassis: [link(uris.chassis)] },
    }),
    [uris.chassis]: () => ({
      '@odata.id': uris.chassis,
      '@odata.type': '#Chassis.v1_16_0.Chassis',
      Id: baseboard.chassisId,
      Name: baseboard.chassisId,
      ChassisType: 'Module',
      ...made,
      Links: { ComputerSystems: [link(uris.system)], ManagedBy: [link(uris.manager)] },
    }),
  };
}
