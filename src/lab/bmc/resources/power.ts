/** Power supplies in the older form (Power) and the newer one (PowerSubsystem), as the vendor has them. */
import type { Controller } from '../controller.ts';
import { worstHealth } from '../event-log.ts';
import type { SupplyReading } from '../power.ts';
import { type Body, collection, link } from '../reply.ts';
import type { Resources } from './tree.ts';

export function powerResources(bmc: Controller): Resources {
  const { legacy, subsystem } = bmc.profile.power;
  return { ...(legacy ? legacyResources(bmc) : {}), ...(subsystem ? subsystemResources(bmc) : {}) };
}

/** Links of the Chassis to what there is. */
export function powerLinks({ profile, uris }: Controller): Body {
  const { legacy, subsystem } = profile.power;
  return {
    ...(legacy ? { Power: link(`${uris.chassis}/Power`) } : {}),
    ...(subsystem ? { PowerSubsystem: link(`${uris.chassis}/PowerSubsystem`) } : {}),
  };
}

function legacyResources(bmc: Controller): Resources {
  const uri = `${bmc.uris.chassis}/Power`;
  return {
    [uri]: () => {
      const supplies = bmc.power.supplies();
      const { needed, health } = bmc.power.redundancy();
      const member = (index: number) => link(`${uri}#/PowerSupplies/${index}`);
      return {
        '@odata.id': uri,
        '@odata.type': '#Power.v1_7_1.Power',
        Id: 'Power',
        Name: 'Power',
        PowerControl: [
          {
            '@odata.id': `${uri}#/PowerControl/0`,
            MemberId: '0',
            Name: 'System Power Control',
            PowerConsumedWatts: bmc.power.watts(),
            PowerCapacityWatts: capacityWatts(supplies),
          },
        ],
        PowerSupplies: supplies.map((supply, i) => ({
          '@odata.id': `${uri}#/PowerSupplies/${i}`,
          MemberId: String(i),
          Name: supply.name,
          Model: supply.model,
          SerialNumber: supply.serial,
          PowerSupplyType: 'AC',
          PowerCapacityWatts: supply.capacityWatts,
          LineInputVoltage: supply.inputVolts,
          PowerInputWatts: supply.inputWatts,
          PowerOutputWatts: supply.outputWatts,
          Redundancy: [link(`${uri}#/Redundancy/0`)],
          Status: { Health: supply.health, State: 'Enabled' },
        })),
        Redundancy: [
          {
            '@odata.id': `${uri}#/Redundancy/0`,
            MemberId: '0',
            Name: 'Power Supply Redundancy',
            Mode: 'N+m',
            MinNumNeeded: needed,
            MaxNumSupported: supplies.length,
            RedundancySet: supplies.map((_, i) => member(i)),
            Status: { Health: health, State: 'Enabled' },
          },
        ],
      };
    },
  };
}

function subsystemResources(bmc: Controller): Resources {
  const uri = `${bmc.uris.chassis}/PowerSubsystem`;
  const supplies = `${uri}/PowerSupplies`;
  const members = bmc.profile.power.supplies.map(({ id }) => `${supplies}/${id}`);
  const resources: Resources = {
    [uri]: () => subsystemBody(bmc, uri, members),
    [supplies]: () => collection({ uri: supplies, type: 'PowerSupplyCollection', name: 'Power Supplies', members }),
  };
  for (const [i, member] of members.entries()) {
    resources[member] = () => supplyBody(member, bmc.power.supplies()[i]);
    resources[`${member}/Metrics`] = () => metricsBody(`${member}/Metrics`, bmc.power.supplies()[i]);
  }
  return resources;
}

function subsystemBody({ power }: Controller, uri: string, members: string[]): Body {
  const { needed, health } = power.redundancy();
  const group = {
    RedundancyType: 'NPlusM',
    MinNeededInGroup: needed,
    MaxSupportedInGroup: members.length,
    RedundancyGroup: members.map(link),
    Status: { Health: health, State: 'Enabled' },
  };
  return {
    '@odata.id': uri,
    '@odata.type': '#PowerSubsystem.v1_0_0.PowerSubsystem',
    Id: 'PowerSubsystem',
    Name: 'Power Subsystem',
    CapacityWatts: capacityWatts(power.supplies()),
    PowerSupplies: link(`${uri}/PowerSupplies`),
    ...(members.length === 0 ? {} : { PowerSupplyRedundancy: [group] }),
    Status: { Health: 'OK', HealthRollup: worstHealth(power.supplies()), State: 'Enabled' },
  };
}

function supplyBody(uri: string, supply: SupplyReading | undefined): Body {
  return {
    '@odata.id': uri,
    '@odata.type': '#PowerSupply.v1_1_0.PowerSupply',
    Id: supply?.id,
    Name: supply?.name,
    Model: supply?.model,
    SerialNumber: supply?.serial,
    PowerSupplyType: 'AC',
    PowerCapacityWatts: supply?.capacityWatts,
    HotPluggable: true,
    Metrics: link(`${uri}/Metrics`),
    Status: { Health: supply?.health, State: 'Enabled' },
  };
}

function metricsBody(uri: string, supply: SupplyReading | undefined): Body {
  return {
    '@odata.id': uri,
    '@odata.type': '#PowerSupplyMetrics.v1_0_0.PowerSupplyMetrics',
    Id: 'Metrics',
    Name: `${supply?.name} Metrics`,
    InputVoltage: { Reading: supply?.inputVolts },
    InputPowerWatts: { Reading: supply?.inputWatts },
    OutputPowerWatts: { Reading: supply?.outputWatts },
  };
}

function capacityWatts(supplies: SupplyReading[]): number {
  return supplies.reduce((sum, supply) => sum + supply.capacityWatts, 0);
}
