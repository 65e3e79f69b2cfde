/** The facts of a digest, from what read tools answered, and whether they changed. */
import { z } from 'zod';
import { digestOf } from '../core/canonical.ts';
import { nodeStates } from '../core/operation.ts';

/** What is used of getFleetOverview. */
const overview = z.object({
  freezes: z.array(
    z.object({ id: z.string(), site: z.string(), cluster: z.string(), reason: z.string(), by: z.string() }),
  ),
  policy: z.object({ state: z.string() }),
  custody: z.array(z.string()),
  sites: z.array(
    z.object({
      site: z.string(),
      reachable: z.boolean(),
      counts: z.object({
        nodes: z.number(),
        kubernetes: z.object({ ready: z.number() }),
        hardware: z.object({ warning: z.number(), critical: z.number(), unknown: z.number() }),
        firmware: z.object({
          compliant: z.number(),
          behind: z.number(),
          ahead: z.number(),
          unknown: z.number(),
          noBaseline: z.number(),
        }),
      }),
      /** Those that are not well, the worst of the fleet where there are very many. */
      nodes: z.array(z.object({ node: z.string(), kubernetes: z.string(), health: z.string(), firmware: z.string() })),
    }),
  ),
  pendingApprovals: z.array(z.object({ approval: z.string(), requester: z.string(), expiresAt: z.string() })),
});

const findings = z.object({
  findings: z.array(
    z.object({
      id: z.string(),
      site: z.string(),
      node: z.string().optional(),
      level: z.string(),
      state: z.string(),
      text: z.string(),
      since: z.string(),
      clearedAt: z.string().optional(),
    }),
  ),
});

const head = z.object({
  id: z.string(),
  kind: z.string(),
  cluster: z.string(),
  site: z.string(),
  state: z.string(),
  reason: z.string(),
  createdAt: z.string(),
  endedAt: z.string().optional(),
  stuck: z.array(z.string()).optional(),
});

/** What is used of listOperations. */
const operations = z.object({
  operations: z.array(head.extend({ nodes: z.partialRecord(z.enum(nodeStates), z.number()) })),
});

/** What is used of getOperation. */
const rollout = head.extend({
  nodes: z.array(
    z.object({
      node: z.string(),
      wave: z.number(),
      state: z.enum(nodeStates),
      begunAt: z.string().optional(),
      updatedAt: z.string(),
    }),
  ),
});

export type DigestFacts = {
  overview: z.infer<typeof overview>;
  findings: z.infer<typeof findings>['findings'];
  operations: z.infer<typeof operations>['operations'];
  /** The same with all their nodes, where a picture shows them. */
  rollouts: z.infer<typeof rollout>[];
  custody: { size: number; root: string };
};

/** Answers of tools as facts, with an overview of each site or one of all; throws where a tool answered something else. */
export function factsFrom(
  answers: { overviews: unknown[]; findings: unknown; operations: unknown },
  custody: DigestFacts['custody'],
): Omit<DigestFacts, 'rollouts'> {
  return {
    overview: together(z.tuple([overview], overview).parse(answers.overviews)),
    findings: findings.parse(answers.findings).findings,
    operations: operations.parse(answers.operations).operations,
    custody,
  };
}

type Overview = DigestFacts['overview'];

/** What concerns several of the sites is told once. */
function together([first, ...others]: [Overview, ...Overview[]]): Overview {
  const all = [first, ...others];
  const once = <T>(list: T[], key: (each: T) => string) => [...new Map(list.map(each => [key(each), each])).values()];
  return {
    ...first,
    sites: all.flatMap(({ sites }) => sites),
    freezes: once(
      all.flatMap(({ freezes }) => freezes),
      ({ id }) => id,
    ),
    pendingApprovals: once(
      all.flatMap(({ pendingApprovals }) => pendingApprovals),
      ({ approval }) => approval,
    ),
  };
}

const mostTimelines = 3;

/** The newest that ended since then, and whose course is worth a picture. */
export function worthPictures(run: DigestFacts['operations'], since: Date): DigestFacts['operations'] {
  const several = ({ nodes }: DigestFacts['operations'][number]) =>
    Object.values(nodes).reduce((sum, count) => sum + count, 0) > 1;
  return run.filter(operation => endedSince(operation, since) && several(operation)).slice(0, mostTimelines);
}

/** Throws where getOperation answered something else. */
export function rolloutFrom(answer: unknown): DigestFacts['rollouts'][number] {
  return rollout.parse(answer);
}

export function endedSince({ endedAt }: { endedAt?: string }, since: Date): boolean {
  return endedAt !== undefined && new Date(endedAt) >= since;
}

/** The same where nothing changed that a digest tells, whatever the time. */
export function fingerprintOf({ overview: seen, findings: found, operations: run }: DigestFacts): string {
  return digestOf({
    sites: seen.sites,
    freezes: seen.freezes.map(({ id }) => id),
    policy: seen.policy.state,
    custody: seen.custody,
    approvals: seen.pendingApprovals.map(({ approval }) => approval),
    findings: found.map(({ id, state, level, since }) => ({ id, state, level, since })),
    operations: run.map(({ id, state, stuck = [] }) => ({ id, state, stuck: stuck.length })),
  });
}
