/**
 * What a plot shows: facts that tools and records have anyway, for whoever can
 * draw. Names in it may be a machine's words, and are drawn as text alone.
 */
import type { Block } from './document.ts';
import type { SeriesPoint } from './history.ts';
import { hasNodeEnded, type NodeState, type Operation, type OperationEvent } from './operation.ts';

/** IANA name, in whose clock times are written. */
type Placed = { title: string; timeZone: string };

/** `upper` limits of the reading, in its unit. */
export type HistoryPicture = Placed & {
  kind: 'history';
  unit: string;
  stepMs: number;
  points: SeriesPoint[];
  limits: { name: string; at: number }[];
};

/** One bar for each node, from when it began to when it ended; a node that never began has none. */
export type RolloutPicture = Placed & {
  kind: 'rollout';
  from: string;
  to: string;
  nodes: { node: string; wave: number; state: NodeState; from?: string; to?: string }[];
  /** What held it or ended it. */
  marks: { at: string; text: string }[];
};

/** Nodes of each site by what their firmware is against what is wanted. */
export type CompliancePicture = Placed & {
  kind: 'compliance';
  at: string;
  sites: { site: string; wanted: number; other: number; unknown: number }[];
};

export type Picture = HistoryPicture | RolloutPicture | CompliancePicture;

/** The histories among the blocks of an answer, each under the heading before it. */
export function historiesIn(blocks: Block[]): HistoryPicture[] {
  let heading = '';
  return blocks.flatMap((block): HistoryPicture[] => {
    if ('heading' in block) heading = block.heading;
    if (!('plot' in block)) return [];
    const { unit, stepMs, points, limits = [], timeZone = 'UTC' } = block.plot;
    const whole = points.map(({ mean = null, ...point }) => ({ ...point, mean }));
    return [{ kind: 'history', title: block.title ?? heading, timeZone, unit, stepMs, points: whole, limits }];
  });
}

/** What is needed of an operation, so that a tool's answer does as well as the record. */
type Told = Pick<Operation, 'site' | 'cluster' | 'reason' | 'createdAt' | 'endedAt'> & {
  kind: string;
  state: string;
  nodes: Pick<Operation['nodes'][number], 'node' | 'wave' | 'state' | 'begunAt' | 'updatedAt'>[];
};

/** `events` of the operation, where they are known, tell who held it and when. */
export function rolloutPicture(
  { kind, site, cluster, state, reason, createdAt, endedAt, nodes }: Told,
  { timeZone, events = [] }: { timeZone: string; events?: OperationEvent[] },
): RolloutPicture {
  const to = endedAt ?? [createdAt, ...nodes.map(({ updatedAt }) => updatedAt)].toSorted().at(-1) ?? createdAt;
  const held = events.filter(({ node, step, status }) => !node && step === 'operation' && status === 'progress');
  return {
    kind: 'rollout',
    title: `${kind} in ${cluster === '*' ? (site === '*' ? 'several sites' : site) : cluster}: ${state}`,
    timeZone,
    from: createdAt,
    to,
    nodes: nodes.map(each => ({
      node: each.node,
      wave: each.wave,
      state: each.state,
      ...(each.begunAt !== undefined && {
        from: each.begunAt,
        to: hasNodeEnded(each.state) ? each.updatedAt : to,
      }),
    })),
    marks: [
      ...held.map(({ time, message }) => ({ at: time, text: message })),
      ...(endedAt !== undefined && state !== 'done' ? [{ at: endedAt, text: `${state}: ${reason}` }] : []),
    ],
  };
}
