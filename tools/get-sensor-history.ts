/** One reading of a server over time, drawn. */
import { z } from 'zod';
import { foreign } from '../src/core/document.ts';
import type { Quantity } from '../src/core/history.ts';
import { readTool } from '../src/core/tool.ts';
import { nodeNamed, quantityNamed, siteNamed } from './parts/lookup.ts';
import { unitSymbol } from './parts/units.ts';

const hourMs = 3_600_000;
const mostHours = 24 * 400;
const points = 144;

export const getSensorHistory = readTool({
  name: 'getSensorHistory',
  title: 'History of a sensor',
  description:
    'One reading of a server over time: a temperature, a fan, memory errors, power. Without a sensor it lists what was measured. Stretches in which nothing was read are gaps, with the reason where it is known, and never filled.',
  risk: 'read',
  scope: 'read',
  input: z.strictObject({
    node: z.string().describe('Node name'),
    sensor: z.string().optional().describe('Name of the reading, as the list without it shows; case does not matter'),
    hours: z.number().positive().max(mostHours).default(24).describe('How far back, in hours'),
  }),
  positional: ['node', 'sensor'],
  example: { node: 'bos-w-1', hours: 6 },
  output: z.object({
    node: z.string(),
    from: z.string(),
    to: z.string(),
    timeZone: z.string().describe('Of its site'),
    measured: z.array(z.object({ name: z.string(), unit: z.string() })),
    series: z
      .object({
        sensor: z.string(),
        unit: z.string(),
        limits: z
          .array(z.object({ name: z.string(), at: z.number() }))
          .describe('Above which the BMC itself warns, as it last said'),
        stepMs: z.number().describe('Milliseconds that one point stands for'),
        points: z
          .array(
            z.object({
              at: z.string(),
              low: z.number().nullable(),
              mean: z.number().nullable(),
              high: z.number().nullable(),
            }),
          )
          .describe('Oldest first; null where nothing was read'),
        gaps: z
          .array(z.object({ at: z.string(), reason: z.string() }))
          .describe('Looks that gave nothing, newest first'),
      })
      .optional(),
  }),
  async run(context, { node, sensor, hours }) {
    const entry = nodeNamed(context, node);
    const to = new Date();
    const from = new Date(to.getTime() - hours * hourMs);
    const measured = await context.history.quantities(entry.name, from);
    const { timeZone } = siteNamed(context, entry.site);
    const told = { node: entry.name, from: from.toISOString(), to: to.toISOString(), timeZone, measured };
    if (sensor === undefined) return told;
    const { name } = quantityNamed(measured, sensor);
    const series = await context.history.series({ node: entry.name, quantity: name, from, to, points });
    if (!series) return told;
    const { quantity, ...shape } = series;
    const look = context.health.newest().find(each => each.node === entry.name);
    const limits = Object.entries(look?.limits?.get(quantity.name) ?? {}).map(([limit, at]) => ({ name: limit, at }));
    return { ...told, series: { sensor: quantity.name, unit: quantity.unit, limits, ...shape } };
  },
  present({ node, timeZone, measured, series }) {
    if (!series) return [{ heading: `Measured on ${node}` }, { table: measuredTable(measured) }];
    const { stepMs, points: shown, limits } = series;
    const plot = { unit: unitSymbol(series.unit), stepMs, points: shown, limits, timeZone };
    return [
      { heading: `${series.sensor} of ${node}`, foreign: true },
      { plot },
      ...(series.gaps.length === 0
        ? []
        : [{ title: 'Not read', list: series.gaps.map(({ at, reason }) => foreign(`${at}: ${reason}`)) }]),
    ];
  },
});

function measuredTable(measured: Quantity[]) {
  return { columns: ['reading', 'unit'], rows: measured.map(({ name, unit }) => [foreign(name), unitSymbol(unit)]) };
}
