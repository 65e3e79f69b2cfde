/** Temperatures and fans in the older form (Thermal) and the newer one (ThermalSubsystem and Sensors), as the vendor has them. */
import type { Controller } from '../controller.ts';
import { type Body, collection, link } from '../reply.ts';
import type { FanReading, TemperatureReading } from '../thermal.ts';
import type { Resources } from './tree.ts';

export function thermalResources(bmc: Controller): Resources {
  const { legacy, subsystem } = bmc.profile.thermal;
  return { ...(legacy ? legacyResources(bmc) : {}), ...(subsystem ? subsystemResources(bmc) : {}) };
}

function legacyResources(bmc: Controller): Resources {
  const uri = `${bmc.uris.chassis}/Thermal`;
  const { fanUnit } = bmc.profile.thermal;
  return {
    [uri]: () => ({
      '@odata.id': uri,
      '@odata.type': '#Thermal.v1_7_1.Thermal',
      Id: 'Thermal',
      Name: 'Thermal',
      Temperatures: bmc.thermal.temperatures().map((sensor, i) => ({
        '@odata.id': `${uri}#/Temperatures/${i}`,
        MemberId: String(i),
        Name: sensor.name,
        PhysicalContext: sensor.context,
        ReadingCelsius: sensor.celsius,
        UpperThresholdNonCritical: sensor.caution,
        UpperThresholdCritical: sensor.critical,
        Status: status(sensor),
      })),
      Fans: bmc.thermal.fans().map((fan, i) => ({
        '@odata.id': `${uri}#/Fans/${i}`,
        MemberId: String(i),
        Name: fan.name,
        PhysicalContext: 'SystemBoard',
        Reading: fan.reading,
        ReadingUnits: fanUnit,
        Status: status(fan),
        Redundancy: [link(`${uri}#/Redundancy/0`)],
      })),
      Redundancy: [
        {
          '@odata.id': `${uri}#/Redundancy/0`,
          MemberId: '0',
          Name: 'System Fan Redundancy',
          Mode: 'N+m',
          MinNumNeeded: Math.max(1, bmc.profile.fans.length - 1),
          MaxNumSupported: bmc.profile.fans.length,
          RedundancySet: bmc.profile.fans.map((_, i) => link(`${uri}#/Fans/${i}`)),
          Status: { Health: bmc.thermal.redundancy(), State: 'Enabled' },
        },
      ],
    }),
  };
}

function subsystemResources(bmc: Controller): Resources {
  const { chassis } = bmc.uris;
  const { temperatures, fans, thermal } = bmc.profile;
  const fanBodies = thermal.fansAreSensors ? [] : fans;
  const uri = `${chassis}/ThermalSubsystem`;
  const sensors = `${chassis}/Sensors`;
  const resources: Resources = {
    [uri]: () => ({
      '@odata.id': uri,
      '@odata.type': '#ThermalSubsystem.v1_0_0.ThermalSubsystem',
      Id: 'ThermalSubsystem',
      Name: 'Thermal Subsystem',
      Fans: link(`${uri}/Fans`),
      ThermalMetrics: link(`${uri}/ThermalMetrics`),
      ...(fanBodies.length === 0
        ? {}
        : {
            FanRedundancy: [
              {
                RedundancyType: 'NPlusM',
                MinNeededInGroup: Math.max(1, fanBodies.length - 1),
                MaxSupportedInGroup: fanBodies.length,
                RedundancyGroup: fanBodies.map(({ id }) => link(`${uri}/Fans/${id}`)),
                Status: { Health: bmc.thermal.redundancy(), State: 'Enabled' },
              },
            ],
          }),
      Status: { Health: 'OK', State: 'Enabled' },
    }),
    [`${uri}/ThermalMetrics`]: () => ({
      '@odata.id': `${uri}/ThermalMetrics`,
      '@odata.type': '#ThermalMetrics.v1_0_0.ThermalMetrics',
      Id: 'ThermalMetrics',
      Name: 'Chassis Thermal Metrics',
      TemperatureReadingsCelsius: bmc.thermal.temperatures().map(({ id, name, celsius }) => ({
        DataSourceUri: `${sensors}/${id}`,
        DeviceName: name,
        Reading: celsius,
      })),
    }),
    [`${uri}/Fans`]: () =>
      collection({
        uri: `${uri}/Fans`,
        type: 'FanCollection',
        name: 'Fans',
        members: fanBodies.map(({ id }) => `${uri}/Fans/${id}`),
      }),
    [sensors]: () =>
      collection({
        uri: sensors,
        type: 'SensorCollection',
        name: 'Sensors',
        members: [...temperatures, ...fans].map(({ id }) => `${sensors}/${id}`),
      }),
  };
  for (const [i, { id }] of temperatures.entries()) {
    resources[`${sensors}/${id}`] = () => temperatureSensor(`${sensors}/${id}`, bmc.thermal.temperatures()[i]);
  }
  for (const [i, { id }] of fans.entries()) {
    resources[`${sensors}/${id}`] = () => fanSensor(`${sensors}/${id}`, bmc.thermal.fans()[i]);
  }
  for (const [i, { id }] of fanBodies.entries()) {
    resources[`${uri}/Fans/${id}`] = () => fanBody(`${uri}/Fans/${id}`, `${sensors}/${id}`, bmc.thermal.fans()[i]);
  }
  return resources;
}

function temperatureSensor(uri: string, sensor: TemperatureReading | undefined): Body {
  return {
    '@odata.id': uri,
    '@odata.type': '#Sensor.v1_3_0.Sensor',
    Id: sensor?.id,
    Name: sensor?.name,
    ReadingType: 'Temperature',
    ReadingUnits: 'Cel',
    Reading: sensor?.celsius,
    PhysicalContext: sensor?.context,
    Thresholds: { UpperCaution: { Reading: sensor?.caution }, UpperCritical: { Reading: sensor?.critical } },
    Status: status(sensor),
  };
}

function fanSensor(uri: string, fan: FanReading | undefined): Body {
  return {
    '@odata.id': uri,
    '@odata.type': '#Sensor.v1_3_0.Sensor',
    Id: fan?.id,
    Name: fan?.name,
    ReadingType: 'Rotational',
    ReadingUnits: 'RPM',
    Reading: fan?.reading,
    PhysicalContext: 'Fan',
    Thresholds: { LowerCritical: { Reading: Math.round((fan?.speed ?? 0) * 0.3) } },
    Status: status(fan),
  };
}

function fanBody(uri: string, sensor: string, fan: FanReading | undefined): Body {
  const reading = fan?.reading ?? null;
  const percent = reading === null ? null : Math.min(100, Math.round((reading / ((fan?.speed ?? 1) * 2)) * 100));
  return {
    '@odata.id': uri,
    '@odata.type': '#Fan.v1_1_0.Fan',
    Id: fan?.id,
    Name: fan?.name,
    PhysicalContext: 'SystemBoard',
    SpeedPercent: { DataSourceUri: sensor, Reading: percent, SpeedRPM: reading },
    Status: status(fan),
  };
}

/** A sensor without a reading is reported as out of reach. */
function status(sensor: TemperatureReading | FanReading | undefined): Body {
  const reading = sensor === undefined ? null : 'celsius' in sensor ? sensor.celsius : sensor.reading;
  return { Health: sensor?.health ?? null, State: reading === null ? 'UnavailableOffline' : 'Enabled' };
}
