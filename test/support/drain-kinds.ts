/** The words of the drain matrix: kinds of pods, states of budgets, and the scene that a drain meets. */
import type { PodObject } from '../../src/lab/cluster/model/objects.ts';
import type { LabSite } from '../../src/lab/lab.ts';

/** A drain moves these, once their budget lets it. */
export const movedKinds = [
  'deployment',
  'statefulSet',
  'bare',
  'emptyDir',
  'hostPath',
  'claim',
  'finalizer',
  'orphan',
  'lowPriority',
  'highPriority',
  'pairOne',
  'pairTwo',
] as const;
/** The two replicas of one Deployment, both on the node and under one budget. */
export const pairKinds = ['pairOne', 'pairTwo'] as const;
/** These go whatever their budget says. */
export const exemptKinds = ['finished', 'pending', 'terminating'] as const;
/** A drain leaves these where they are. */
export const stayingKinds = ['daemonSet', 'mirror'] as const;
/** A drain does not begin before somebody allows it to lose them. */
export const forbiddenKinds = ['unforcedBare', 'keptEmptyDir', 'unforcedOrphan'] as const;
export const kinds = [...movedKinds, ...exemptKinds, ...stayingKinds, ...forbiddenKinds];
export type Kind = (typeof kinds)[number];

/** How the budget over each pod stands; those that end in `Later` come after the plan. */
export const budgetStates = [
  'none',
  'allows',
  'freed',
  'held',
  'zero',
  'zeroLater',
  'two',
  'twoLater',
  'crashLoop',
  'crashLoopLater',
  'unreadyHealthy',
  'unreadyWaits',
  'unreadyAlways',
  'behind',
] as const;
export type BudgetState = (typeof budgetStates)[number];

export type Place = {
  site: LabSite;
  node: string;
  /** Takes the pods that leave, and runs what the budgets count besides. */
  spare: string;
  /** Nodes may be shared by scenes with other names. */
  name: string;
};

export type Scene = Place & {
  kinds: Kind[];
  budget: BudgetState;
  subjects: Map<Kind, PodObject>;
  /** When objects left the store: by uid, milliseconds since the epoch. */
  left: Map<string, number>;
  /** How few of the pair were Ready and staying at the worst moment since the budgets were counted. */
  leastOfPair: number;
  /** VolumeAttachments of the node when the drain was planned. */
  attachments: { uid: string; volume: string }[];
};

export function here({ name }: Place): string {
  return `matrix.test/${name}`;
}

export function besides({ name }: Place): string {
  return `matrix.test/${name}-besides`;
}

export function label({ site }: Place, node: string, key: string): void {
  site.cluster.store.update('nodes', { name: node }, ({ metadata }) => {
    metadata.labels = { ...metadata.labels, [key]: 'yes' };
  });
}

export function isPair(kind: Kind): boolean {
  return (pairKinds as readonly Kind[]).includes(kind);
}

export function budgetLabel(kind: Kind): Record<string, string> {
  return { budget: isPair(kind) ? 'pair' : kind };
}
