/**
 * Answers of tools in which every text is a mark that tells where it stood, made from the output schema alone: what comes of a
 * field on its way to the model can be told whoever could write into it.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { PlannedBmcChange } from '../../src/core/bmc-change.ts';
import type { HealthAct, Plan, PlanTarget } from '../../src/core/plan.ts';
import type { Requirement } from '../../src/core/policy.ts';
import type { Tool } from '../../src/core/tool.ts';
import { outputOf } from '../../src/gateway/gateway.ts';

type Shape = {
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: Shape[];
  oneOf?: Shape[];
  items?: Shape;
  format?: string;
  properties?: Record<string, Shape>;
  required?: string[];
  additionalProperties?: Shape | boolean;
};

/** Between so many, each way of each field meets each way of the others. */
const answers = 60;

export class Marks {
  readonly #paths: string[] = [];

  /** One word, so that nothing on the way refuses it for being none. */
  of(path: string): string {
    if (!this.#paths.includes(path)) this.#paths.push(path);
    return `mark${this.#paths.indexOf(path)}x`;
  }

  /** Where the marks in a text stood, each once. */
  in(text: string): string[] {
    const found = [...text.matchAll(/mark(\d+)x/g)].map(([, index]) => this.#paths[Number(index)] as string);
    return [...new Set(found)].sort();
  }
}

/** Answers that between them take each way that the schema allows. */
export function markedOutputs(tool: Tool, marks: Marks): unknown[] {
  const shape = z.toJSONSchema(outputOf(tool), { io: 'output', unrepresentable: 'any' }) as Shape;
  return Array.from({ length: answers }, (_, choice) => filled(shape, '', { marks, choice }));
}

type How = { marks: Marks; choice: number };

/** One of these, which one hangs on the field and on the answer alone. */
function oneOf<T>(among: T[], path: string, { choice }: How): T {
  return among[createHash('sha256').update(`${path} ${choice}`).digest().readUInt32BE() % among.length] as T;
}

function filled(shape: Shape, path: string, how: How): unknown {
  const type = oneOf([shape.type].flat(), path, how);
  const among = shape.anyOf ?? shape.oneOf;
  if (among) return filled(oneOf(among, `${path}|`, how), path, how);
  if ('const' in shape) return shape.const;
  if (shape.enum) return oneOf(shape.enum, path, how);
  if (path === 'plan' && type === 'object') return markedPlan(how);
  if (path === 'requirements[]') return markedRequirement(how);
  if (type === 'array') return [filled(shape.items ?? {}, `${path}[]`, how)];
  if (type === 'object') {
    const all = Object.entries(shape.properties ?? {});
    const there = all.filter(([key]) => shape.required?.includes(key) || oneOf([true, false], `${path}.${key}?`, how));
    const fields = there.map(([key, field]) => [key, filled(field, path === '' ? key : `${path}.${key}`, how)]);
    const rest = typeof shape.additionalProperties === 'object' ? shape.additionalProperties : undefined;
    return { ...Object.fromEntries(fields), ...(rest && { word: filled(rest, `${path}.*`, how) }) };
  }
  // Of a plot, which draws no other.
  if (path === 'series.points[].at') return '2030-01-01T00:00:00Z';
  if (type === 'boolean') return oneOf([true, false], path, how);
  if (type === 'number' || type === 'integer') return how.choice + 1;
  return type === 'null' ? null : how.marks.of(path);
}

/** What the schema says nothing of: with all that a plan may hold. */
function markedPlan({ marks, choice }: How): Required<Plan> {
  const of = (path: string) => marks.of(`plan.${path}`);
  const target: Required<PlanTarget> = {
    node: of('node'),
    site: of('site'),
    cluster: of('cluster'),
    role: 'worker',
    nodeUid: of('nodeUid'),
    systemUuid: of('systemUuid'),
    serial: { value: of('serial') },
    model: { value: of('model') },
    vendor: 'generic',
    bmcUrl: of('bmcUrl'),
    systemUri: of('systemUri'),
    zone: of('zone'),
    rack: of('rack'),
    cohort: of('cohort'),
    alongside: [of('alongside')],
    drain: {
      evict: [of('drain.evict')],
      skip: [{ pod: of('drain.skip.pod'), reason: of('drain.skip.reason') }],
      block: [{ pod: of('drain.block.pod'), reason: of('drain.block.reason') }],
      warnings: [of('drain.warnings')],
      pdbs: [of('drain.pdbs')],
    },
    pauses: [of('pauses')],
    changes: [
      {
        kind: 'firmware',
        component: 'drive',
        image: of('image'),
        drives: [
          { serial: of('drive.serial'), name: of('drive.name'), model: of('drive.model'), from: of('drive.from') },
        ],
        from: of('version.from'),
        to: of('version.to'),
        sha256: of('sha256'),
        activation: 'reset-after',
      },
      {
        kind: 'bios-settings',
        settings: [{ attribute: of('bios.attribute'), from: of('bios.from'), to: of('bios.to') }],
        activation: 'next-start',
      },
    ],
    waitingBios: { unknown: of('waitingBios') },
  };
  return {
    schema: 1,
    id: of('id'),
    kind: 'firmware-rollout',
    action: of('action'),
    author: of('author'),
    scopes: ['cluster', 'otherCluster'].slice(0, 1 + (choice % 2)).map(cluster => ({
      site: of('site'),
      cluster: of(cluster),
      budget: { maxUnavailable: 1 },
      blast: { peakUnavailable: 1, targets: 1, controlPlane: 1, quorumLost: true, lastOf: [of('lastOf')] },
    })),
    targets: [target],
    waves: [[target.node]],
    canaries: [target.node],
    limits: { maxSites: 1, cohortFailures: 1, failures: 1, lostSites: 1 },
    steps: [{ name: of('step'), does: of('step.does'), settling: true }],
    excluded: [{ node: of('excluded.node'), reason: of('excluded.reason') }],
    declaredOutage: true,
    waitForWindow: true,
    canaryDrain: { verdict: 'waits', says: of('canaryDrain') },
    drain: { deleteEmptyDir: true, force: true, byPriority: true },
    taint: { taint: { key: of('taint.key'), value: of('taint.value'), effect: of('taint.effect') }, remove: false },
    undrained: true,
    bmcChange: bmcChanges[choice % bmcChanges.length] as PlannedBmcChange,
    health: { act: 'mark', healthy: false, reason: of('health.reason') } satisfies HealthAct,
    warnings: [of('warnings')],
    irreversible: [of('irreversible')],
    soakMs: 1000,
    gates: { hardware: false, own: [{ name: of('gate'), after: 'node', site: of('site') }] },
    advance: 'manual',
    policyDigest: of('policyDigest'),
    createdAt: of('createdAt'),
    expiresAt: of('expiresAt'),
    nonce: of('nonce'),
  };
}

const bmcChanges: PlannedBmcChange[] = [
  { act: 'reset-bmc' },
  { act: 'identify', lit: true },
  { act: 'boot-once', from: 'pxe' },
];

function markedRequirement({ marks }: How): Requirement {
  const of = (path: string) => marks.of(`requirements.${path}`);
  const votes = { approvals: 1, distinctGroups: 1, ttlMs: 1000, tier: 'critical' } as const;
  return { policy: of('policy'), from: [of('from')], reason: of('reason'), ...votes };
}
