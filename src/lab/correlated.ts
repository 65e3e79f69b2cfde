/**
 * What goes wrong on many servers at once, for one cause outside of them or
 * one that spreads: the room, the line to a site, a bad batch of parts. Each is
 * made of the faults of single servers; which of them it takes, and how hard,
 * the lab's seed determines.
 */
import { z } from 'zod';
import { FleetError } from '../core/errors.ts';
import type { FaultInput } from './faults.ts';
import type { LabNode, RunningLab } from './lab.ts';
import { chance } from './random.ts';

const site = z.string().min(1);
const rack = z.string().min(1);

export const troubleSchema = z.discriminatedUnion('kind', [
  /** The air of one rack gets warmer by about this; no two of its inlets by the same. */
  z.strictObject({ kind: z.literal('inlet-ramp'), site, rack, celsius: z.number().positive().default(14) }),
  /** A share of the servers of a site, or of one rack, loses a fan; one at least. */
  z.strictObject({
    kind: z.literal('fan-loss'),
    site,
    rack: rack.optional(),
    share: z.number().positive().max(1).default(0.5),
  }),
  /** Corrected memory errors rise on some servers, and after so many real minutes each has an uncorrectable one on the same DIMM. */
  z.strictObject({
    kind: z.literal('memory-failing'),
    site,
    servers: z.int().min(1).default(1),
    perMinute: z.number().positive().default(60),
    afterMinutes: z.number().positive().default(30),
  }),
  /** So many log entries over all servers of the site, unevenly, in ten waves over this many real milliseconds. */
  z.strictObject({
    kind: z.literal('event-storm'),
    site,
    events: z.int().min(10).max(10_000).default(10_000),
    overMs: z.number().min(0).default(0),
  }),
  /** The line to the site is cut: neither its BMCs nor its API server can be reached, and packets vanish. */
  z.strictObject({ kind: z.literal('wan-cut'), site }),
]);

export type Trouble = z.infer<typeof troubleSchema>;
export type TroubleInput = z.input<typeof troubleSchema>;

type Lab = Pick<RunningLab, 'sites' | 'clock' | 'seed'>;
/** `done` resolves once nothing more of it is to come. */
export type Played = { servers: string[]; done: Promise<void> };

const waves = 10;

/** Begins it. Throws ZodError for none of the list, not_found for an unknown site or rack. */
export function playTrouble(lab: Lab, input: TroubleInput): Played {
  const trouble = troubleSchema.parse(input);
  const nodes = placeOf(lab, trouble);
  const draw = (node: LabNode, what: string) => chance(lab.seed, `${trouble.kind}/${node.name}/${what}`);
  switch (trouble.kind) {
    case 'inlet-ramp': {
      for (const node of nodes)
        set(node, { kind: 'inlet-rising', celsius: trouble.celsius * (0.85 + 0.3 * draw(node, 'degrees')) });
      return played(nodes);
    }
    case 'fan-loss': {
      const hit = drawn(nodes, Math.ceil(nodes.length * trouble.share), node => draw(node, 'turn'));
      for (const node of hit)
        set(node, { kind: 'fan-failing', fan: oneOf(node.server.profile.fans, draw(node, 'fan')) });
      return played(hit);
    }
    case 'memory-failing': {
      const hit = drawn(nodes, trouble.servers, node => draw(node, 'turn'));
      const dimmOf = (node: LabNode) => oneOf(node.server.profile.memory.dimms, draw(node, 'dimm'));
      for (const node of hit) set(node, { kind: 'ecc-rising', dimm: dimmOf(node), perMinute: trouble.perMinute });
      const lose = async () => {
        if (!(await lab.clock.sleep(trouble.afterMinutes * 60_000))) return;
        for (const node of hit)
          if (node.server.faults.get('ecc-rising')) set(node, { kind: 'ecc-uncorrectable', dimm: dimmOf(node) });
      };
      return played(hit, lose());
    }
    case 'event-storm':
      return played(
        nodes,
        storm(
          lab,
          trouble,
          nodes.map(node => [node, 0.5 + draw(node, 'share')]),
        ),
      );
    case 'wan-cut': {
      siteOf(lab, trouble.site).cluster.faults.set('partition');
      for (const node of nodes) set(node, { kind: 'bmc-down', mode: 'lost' });
      return played(nodes);
    }
  }
}

/** Ends what still stands of it on the whole site. What was counted and logged stays. */
export function endTrouble(lab: Pick<RunningLab, 'sites'>, { kind, site: name }: Pick<Trouble, 'kind' | 'site'>): void {
  const { nodes, cluster } = siteOf(lab, name);
  const kinds = {
    'inlet-ramp': ['inlet-rising'],
    'fan-loss': ['fan-failing'],
    'memory-failing': ['ecc-rising', 'ecc-uncorrectable'],
    'event-storm': ['event-storm'],
    'wan-cut': ['bmc-down'],
  } as const;
  for (const { server } of nodes) for (const each of kinds[kind]) server.faults.clear(each);
  if (kind === 'wan-cut') cluster.faults.clear('partition');
}

async function storm(
  lab: Lab,
  trouble: Trouble & { kind: 'event-storm' },
  weights: [LabNode, number][],
): Promise<void> {
  const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
  let [weighed, written] = [0, 0];
  for (let wave = 1; wave <= waves; wave++) {
    for (const [node, weight] of weights) {
      weighed += weight;
      // Rounded against the whole, so that not one too many is written.
      const upTo = Math.round((trouble.events * weighed) / (total * waves));
      if (upTo > written) set(node, { kind: 'event-storm', count: upTo - written });
      written = upTo;
    }
    if (trouble.overMs > 0 && !(await lab.clock.sleep(trouble.overMs / waves))) return;
  }
}

function placeOf(lab: Pick<RunningLab, 'sites'>, trouble: Trouble): LabNode[] {
  const { nodes } = siteOf(lab, trouble.site);
  const wanted = 'rack' in trouble ? trouble.rack : undefined;
  const within = wanted === undefined ? nodes : nodes.filter(({ zone }) => zone === wanted);
  if (within.length > 0) return within;
  throw new FleetError({ code: 'not_found', message: `site ${trouble.site} has no rack ${wanted}` });
}

function siteOf({ sites }: Pick<RunningLab, 'sites'>, name: string): RunningLab['sites'][number] {
  const found = sites.find(each => each.name === name);
  if (found === undefined) throw new FleetError({ code: 'not_found', message: `the lab has no site ${name}` });
  return found;
}

function drawn(nodes: LabNode[], count: number, turn: (node: LabNode) => number): LabNode[] {
  return nodes.toSorted((a, b) => turn(a) - turn(b)).slice(0, count);
}

/** Counted from 1. */
function oneOf(list: readonly unknown[], turn: number): number {
  return 1 + Math.floor(turn * list.length);
}

function set({ server }: LabNode, fault: FaultInput): void {
  server.faults.set(fault);
}

function played(nodes: LabNode[], done: Promise<void> = Promise.resolve()): Played {
  return { servers: nodes.map(({ name }) => name), done };
}
