/** What a BMC says of itself. */
import { z } from 'zod';
import { factValue, showFact } from '../src/core/bmc.ts';
import { foreign, healthCell } from '../src/core/document.ts';
import { readTool } from '../src/core/tool.ts';
import { nodeNamed } from './parts/lookup.ts';

export const getBmcStatus = readTool({
  name: 'getBmcStatus',
  title: 'Status of a BMC',
  description:
    'The BMC of one node: model and firmware, health, its clock beside ours, when it last started, the power of its server, the locating light, what the next start is set to, and how its events reach us.',
  risk: 'read',
  scope: 'read',
  input: z.strictObject({ node: z.string().describe('Node name') }),
  positional: ['node'],
  example: { node: 'bos-w-1' },
  output: z.object({
    node: z.string(),
    site: z.string(),
    vendor: z.string(),
    model: z.string(),
    firmware: z.string(),
    health: z.string(),
    time: z.string(),
    clockAheadSeconds: z.union([z.number(), z.string()]).describe("The BMC's clock minus ours"),
    lastReset: z.string(),
    power: z.string(),
    locatingLight: z.string(),
    nextStart: z.string(),
    events: z.object({
      way: z.enum(['stream', 'push', 'polling']).describe('polling: no events, only regular looks'),
      why: z.string(),
      received: z.number().describe('Since the service started; each only brings a look forward'),
    }),
  }),
  async run(context, { node }) {
    const entry = nodeNamed(context, node);
    const status = await context.bmcs.of(entry.name).status();
    const lit = 'value' in status.lit ? { value: status.lit.value ? 'on' : 'off' } : status.lit;
    const time = factValue(status.time);
    return {
      node: entry.name,
      site: entry.site,
      vendor: status.vendor,
      model: showFact(status.model),
      firmware: showFact(status.firmware),
      health: showFact(status.health),
      time: showFact(status.time),
      clockAheadSeconds:
        time === undefined ? showFact(status.time) : Math.round((Date.parse(time) - Date.now()) / 1000),
      lastReset: showFact(status.lastReset),
      power: showFact(status.power),
      locatingLight: showFact(lit),
      nextStart: showFact(status.bootOnce),
      events: { way: status.hearing.way, why: status.hearing.why, received: status.hearing.received },
    };
  },
  present: status => [
    { heading: `BMC of ${status.node} (${status.site})` },
    {
      facts: [
        ['model', foreign(`${status.model} (${status.vendor})`)],
        ['firmware', foreign(status.firmware)],
        ['health', healthCell(status.health)],
        ['clock', foreign(clockText(status))],
        ['last start', foreign(status.lastReset)],
        ['power', foreign(status.power)],
        ['light', status.locatingLight],
        ['next start', status.nextStart === 'none' ? 'as usual' : foreign(status.nextStart)],
        ['events', foreign(eventsText(status.events))],
      ],
    },
  ],
});

function eventsText({ way, why, received }: { way: string; why: string; received: number }): string {
  return way === 'polling' ? `polling only: ${why}` : `by ${way}, ${received} so far: ${why}`;
}

function clockText({ time, clockAheadSeconds: ahead }: { time: string; clockAheadSeconds: number | string }): string {
  if (typeof ahead === 'string') return ahead;
  if (Math.abs(ahead) <= 5) return `${time}, as ours`;
  return `${time}, ${Math.abs(ahead)} s ${ahead > 0 ? 'ahead of' : 'behind'} ours`;
}
