/** Two hundred sensors at a glance: counts and ranges, and by name only what is not well. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { type HealthLevel, known, unknown } from '../../src/core/bmc.ts';
import type { Sensor } from '../../src/core/hardware.ts';
import { renderBlocks } from '../../src/surfaces/cli/render.ts';
import { presentSensors, sensorsOutput, sensorsTold } from '../../tools/parts/sensor-inventory.ts';

const temperature = { kind: 'temperature', unit: 'celsius' } as const;
const fan = { kind: 'fan', unit: 'rpm' } as const;

function sensor(name: string, reading: number | undefined, changes: Partial<Sensor> & { level?: HealthLevel }): Sensor {
  const { level, ...more } = changes;
  return {
    uri: `/sensors/${name}`,
    name,
    ...temperature,
    reading: reading === undefined ? unknown('the sensor gives no reading') : known(reading),
    health: level === undefined ? unknown('the BMC gives no health of the sensor') : known(level),
    limits: {},
    ...more,
  };
}

const many = [
  ...Array.from({ length: 200 }, (_, n) => sensor(`Zone ${n}`, 20 + n / 8, { level: 'ok' })),
  sensor('Rack', undefined, {}),
  sensor('Fan 1', 1180, { ...fan, level: 'warning', limits: { lowerCritical: 480, lowerCaution: 1200 } }),
  sensor('Fan 2', 18_600, { ...fan, level: 'ok' }),
  sensor('Inlet', 43.456, {
    level: 'critical',
    limits: { lowerCritical: -7, lowerCaution: 3, upperCaution: 38, upperCritical: 42 },
  }),
  sensor('1 (Power)', undefined, { kind: 'unread', unit: '', reading: unknown('GET … answered 500') }),
];

function shown(all: boolean): string[] {
  const told = sensorsTold(known(many), all);
  expect(z.parse(sensorsOutput, told)).toEqual(told);
  return renderBlocks(presentSensors(told), { columns: 100, color: false }).split('\n');
}

test('what is not well comes first, worst first, with its limits; the rest is a line for each kind', () => {
  expect(shown(false)).toEqual([
    '205 sensors: 1 critical, 1 warning, 2 unknown, 201 ok',
    '',
    'sensor     kind         reading                       warning      critical      health',
    'Inlet      temperature  43.46 °C                      < 3 or > 38  < -7 or > 42  critical',
    'Fan 1      fan          1180 rpm                      < 1200       < 480         warning',
    '1 (Power)  unread       unknown (GET … answered 500)                             unknown',
    '',
    'sensors      count  lowest    highest    health',
    'temperature  202    20 °C     44.88 °C   1 critical, 1 unknown, 200 ok',
    'fan          2      1180 rpm  18600 rpm  1 warning, 1 ok',
    'unread       1                           1 unknown',
    '',
    '--sensors lists each of them',
  ]);
});

test('all of them when asked for', () => {
  const lines = shown(true);
  expect(lines.filter(line => /^Zone \d+ /.test(line))).toHaveLength(200);
  expect(lines.some(line => line.includes('--sensors'))).toBe(false);
});

test('fans in rpm and in percent are not one range; big numbers are short', () => {
  const told = sensorsTold(
    known([
      sensor('A', 40, { kind: 'fan', unit: 'percent' }),
      sensor('B', 9000, fan),
      sensor('C', 3_384_000_000, { kind: 'frequency', unit: 'Hz' }),
      sensor('D', 12.211999893188477, { kind: 'voltage', unit: 'V' }),
    ]),
    false,
  );
  const highest = typeof told === 'string' ? [] : told.kinds.map(each => each.highest);
  expect(highest).toEqual(['40 %', '9000 rpm', '3.384 GHz', '12.21 V']);
});

test('why there are none', () => {
  expect(sensorsTold(unknown('the BMC lists no sensors'), false)).toBe('unknown (the BMC lists no sensors)');
});
