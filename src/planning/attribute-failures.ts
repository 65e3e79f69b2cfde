/**
 * What the nodes that failed have in common and those that ended well have
 * not. It says nothing rather than name what chance would show as well: with
 * every trait that is tried, one that sets some nodes apart turns up sooner.
 * Pure.
 */
import { factValue } from '../core/bmc.ts';
import type { PlanTarget } from '../core/plan.ts';
import { componentNames, isFirmware } from '../core/planned-change.ts';
import { byText } from './text-order.ts';

export type EndedNode = {
  node: string;
  failed: boolean;
  /** Where a failure ended, and its code where one is known. */
  step: string;
  code?: string;
  /** In words that complete "share …". */
  traits: string[];
};

export type Share = {
  what: string;
  failures: number;
  successes: number;
  /** Probability that chance shows as much. */
  chance: number;
};
export type Attribution = {
  failures: number;
  successes: number;
  share?: Share;
  /** Where most failures ended, when more than one ended there. */
  at?: { step: string; code?: string; failures: number };
};

/** A share is told when chance would show one as marked in fewer cases than this. */
export const mostChance = 0.05;

/** The same for every order of the nodes. */
export function attributeFailures(ended: readonly EndedNode[]): Attribution {
  const failed = ended.filter(node => node.failed);
  const counts = { failures: failed.length, successes: ended.length - failed.length };
  const shares = splits(ended).map(({ what, nodes }): Share => {
    const failures = nodes.filter(node => node.failed).length;
    return { what, failures, successes: nodes.length - failures, chance: 1 };
  });
  const [best] = shares
    .map(share => ({ ...share, chance: Math.min(1, atLeast(share, counts) * shares.length) }))
    .filter(({ failures, chance }) => failures > 1 && chance <= mostChance)
    .sort((a, b) => a.chance - b.chance || byText(a.what, b.what));
  const at = mostCommonEnd(failed);
  return { ...counts, ...(best ? { share: best } : {}), ...(at ? { at } : {}) };
}

/** One clause for people; empty where there is nothing to say. */
export function tellAttribution({ failures, successes, share, at }: Attribution): string {
  const parts = [];
  if (share) {
    const others = `${share.successes} of ${successes} that ended well`;
    const chance = `by chance in 1 of ${Math.floor(1 / share.chance).toLocaleString('en-US')} cases`;
    parts.push(`${share.failures} of ${failures} failures share ${share.what}, as do ${others} (${chance})`);
  }
  if (at) {
    const code = at.code ? ` (${at.code})` : '';
    parts.push(`${at.failures} of ${failures} failures ended at ${at.step}${code}`);
  }
  return parts.join('; ');
}

/** What a planned node is, as far as it may set failures apart. */
export function traitsOf(target: PlanTarget): string[] {
  const { role, vendor, site, cluster, zone, rack, changes = [], alongside = [] } = target;
  const model = factValue(target.model);
  const changed = changes.filter(isFirmware).flatMap(({ component, from, to, image }) => {
    const before = `${componentNames[component]} ${from}`;
    return [
      ...(model ? [`${before} on ${model}`] : []),
      before,
      `the update from ${before} to ${to}`,
      `image ${image}`,
    ];
  });
  return [
    ...changed,
    ...(model ? [model] : []),
    `vendor ${vendor}`,
    `role ${role}`,
    `site ${site}`,
    `cluster ${cluster}`,
    ...(zone ? [`zone ${zone}`] : []),
    ...(rack ? [`rack ${rack}`] : []),
    ...(alongside.length > 0 ? ['a BMC that serves several servers'] : []),
  ];
}

/** Every way in which a trait parts the nodes in two; traits that part them alike are one. */
function splits(ended: readonly EndedNode[]): { what: string; nodes: EndedNode[] }[] {
  const byTrait = new Map<string, EndedNode[]>();
  for (const node of ended)
    for (const trait of new Set(node.traits)) byTrait.set(trait, [...(byTrait.get(trait) ?? []), node]);
  const bySplit = new Map<string, { traits: string[]; nodes: EndedNode[] }>();
  for (const [trait, nodes] of byTrait) {
    if (nodes.length === ended.length) continue;
    const key = nodes
      .map(({ node }) => node)
      .sort()
      .join('\n');
    const split = bySplit.get(key) ?? { traits: [], nodes };
    split.traits.push(trait);
    bySplit.set(key, split);
  }
  return [...bySplit.values()].map(({ traits, nodes }) => ({ what: together(traits), nodes }));
}

/** `BIOS 2.10 on R750` says `BIOS 2.10` and `R750` too. */
function together(traits: string[]): string {
  const telling = traits.filter(trait => !traits.some(other => other !== trait && other.includes(trait)));
  return telling.sort().join(' and ');
}

/** Fisher's exact test, one-sided: how often chance gives the failures the trait at least so often. */
function atLeast(share: Share, { failures, successes }: { failures: number; successes: number }): number {
  const having = share.failures + share.successes;
  let sum = 0;
  for (let k = share.failures; k <= Math.min(having, failures); k++)
    sum += Math.exp(
      logChoose(failures, k) + logChoose(successes, having - k) - logChoose(failures + successes, having),
    );
  return sum;
}

/** For k from 0 to n. */
function logChoose(n: number, k: number): number {
  let sum = 0;
  for (let i = 1; i <= k; i++) sum += Math.log(n - k + i) - Math.log(i);
  return sum;
}

function mostCommonEnd(failed: readonly EndedNode[]): Attribution['at'] {
  const ends = new Map<string, { step: string; code?: string; failures: number }>();
  for (const { step, code } of failed) {
    const key = `${step}\n${code ?? ''}`;
    const end = ends.get(key) ?? { step, ...(code ? { code } : {}), failures: 0 };
    end.failures++;
    ends.set(key, end);
  }
  const [most] = [...ends.entries()].sort(([a, one], [b, other]) => other.failures - one.failures || byText(a, b));
  return most && most[1].failures > 1 ? most[1] : undefined;
}
