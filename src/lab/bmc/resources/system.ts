/** The ComputerSystem: identity, power, health, and the action that resets it. */
import type { HostPhase } from '../../host.ts';
import type { Controller } from '../controller.ts';
import { type Severity, worstHealth } from '../event-log.ts';
import { type Body, collection, link } from '../reply.ts';
import { baseboardUris } from './baseboard.ts';
import { biosUri } from './bios.ts';
import { bootMembers } from './boot.ts';
import { hasInterfaces } from './network.ts';
import { processorSummary } from './processors.ts';
import { storageLinks } from './storage.ts';
import type { Resources } from './tree.ts';
import { virtualMediaLink } from './virtual-media.ts';

export function systemResources(bmc: Controller): Resources {
  const { system } = bmc.uris;
  const actionInfo = `${system}/ResetActionInfo`;
  const baseboard = baseboardUris(bmc);
  const members = [system, bmc.neighbour?.uris.system, baseboard?.system].filter(uri => uri !== undefined);
  return {
    '/redfish/v1/Systems': () =>
      collection({ uri: '/redfish/v1/Systems', type: 'ComputerSystemCollection', name: 'Systems', members }),
    [system]: () => without(systemBody(bmc), bmc.profile.system.omits ?? []),
    ...(bmc.profile.allowableValues === 'inline'
      ? {}
      : {
          [actionInfo]: () => ({
            '@odata.id': actionInfo,
            '@odata.type': '#ActionInfo.v1_1_2.ActionInfo',
            Id: 'ResetActionInfo',
            Name: 'Reset Action Info',
            Parameters: [
              {
                Name: 'ResetType',
                Required: true,
                DataType: 'String',
                AllowableValues: bmc.profile.system.resetTypes,
              },
            ],
          }),
        }),
  };
}

/** The worst health of what the machine is made of. */
export function rolledUpHealth(bmc: Controller): Severity {
  const { thermal, memory, drives, power, host } = bmc;
  const parts = [
    ...thermal.fans(),
    ...thermal.temperatures(),
    ...memory.dimms(),
    ...drives.drives(),
    ...power.supplies(),
    power.redundancy(),
  ];
  return host.bricked === undefined ? worstHealth(parts) : 'Critical';
}

function without(body: Body, omitted: readonly string[]): Body {
  return Object.fromEntries(Object.entries(body).filter(([key]) => !omitted.includes(key)));
}

function systemBody(bmc: Controller): Body {
  const { profile, host, uris, memory } = bmc;
  const health = rolledUpHealth(bmc);
  const dimms = memory.dimms();
  const memoryHealth = worstHealth(dimms);
  return {
    '@odata.id': uris.system,
    '@odata.type': '#ComputerSystem.v1_16_0.ComputerSystem',
    Id: profile.systemId,
    Name: 'System',
    Manufacturer: profile.manufacturer,
    Model: profile.model,
    SystemType: 'Physical',
    UUID: profile.uuidCase === 'lower' ? host.uuid.toLowerCase() : host.uuid.toUpperCase(),
    SerialNumber: host.serial,
    ...(profile.vendor === 'dell' ? { SKU: host.serial } : {}),
    AssetTag: bmc.assetTag,
    HostName: host.phase === 'os' ? host.name : '',
    BiosVersion: bmc.updates.firmware.active,
    PowerState: bmc.shownPower.state,
    Status: { Health: health, HealthRollup: health, State: host.poweredOn ? 'Enabled' : 'Disabled' },
    ...bootFacts(bmc),
    ...bootMembers(bmc),
    ...lightMembers(bmc),
    Bios: link(biosUri(bmc)),
    ...virtualMediaLink(bmc, 'system'),
    MemorySummary: {
      TotalSystemMemoryGiB: dimms.reduce((sum, dimm) => sum + dimm.capacityMiB, 0) / 1024,
      Status: { Health: memoryHealth, HealthRollup: memoryHealth, State: 'Enabled' },
    },
    ProcessorSummary: processorSummary(profile.processors),
    Memory: link(`${uris.system}/Memory`),
    Processors: link(`${uris.system}/Processors`),
    ...(hasInterfaces(bmc) ? { EthernetInterfaces: link(`${uris.system}/EthernetInterfaces`) } : {}),
    ...storageLinks(bmc),
    ...(profile.log.owner === 'system' ? { LogServices: link(`${uris.system}/LogServices`) } : {}),
    Links: { Chassis: [link(uris.chassis)], ManagedBy: [link(uris.manager)] },
    Actions: { '#ComputerSystem.Reset': resetAction(bmc) },
  };
}

function lightMembers({ profile, light }: Controller): Body {
  const { led, active } = profile.acts.light;
  return { ...(led ? { IndicatorLED: light } : {}), ...(active ? { LocationIndicatorActive: light !== 'Off' } : {}) };
}

function resetAction({ profile, uris }: Controller): Body {
  const target = `${uris.system}/Actions/ComputerSystem.Reset`;
  return profile.allowableValues === 'inline'
    ? { target, 'ResetType@Redfish.AllowableValues': profile.system.resetTypes }
    : { target, '@Redfish.ActionInfo': `${uris.system}/ResetActionInfo` };
}

const bootProgress: Readonly<Record<HostPhase, string>> = {
  off: 'None',
  post: 'SystemHardwareInitializationComplete',
  os: 'OSRunning',
};
const postStates: Readonly<Record<HostPhase, string>> = { off: 'PowerOff', post: 'InPost', os: 'FinishedPost' };

function bootFacts({ profile, host }: Controller): Body {
  const { lastResetTime, bootProgress: progress, postState } = profile.system;
  return {
    ...(lastResetTime ? { LastResetTime: host.lastReset.toISOString() } : {}),
    ...(progress ? { BootProgress: { LastState: bootProgress[host.phase] } } : {}),
    ...(postState ? { Oem: { Hpe: { PostState: postStates[host.phase] } } } : {}),
  };
}
