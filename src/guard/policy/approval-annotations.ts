/** `@approvals` and what goes with it: what a forbid asks of people before it stops objecting. */
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { isServiceName } from '../../core/fleet.ts';
import type { Requirement, Tier } from '../../core/policy.ts';

/** Who exists, so that a group that nobody can be in is found at load. */
export type Directory = { groups: string[]; sites: string[] };

/** In `from`, `site:operators` stands for the group `<name of the site>:operators`. */
export type Approval = Pick<Requirement, 'approvals' | 'from' | 'distinctGroups' | 'tier' | 'ttlMs'>;

export const approvalAnnotations = ['approvals', 'from', 'distinct_groups', 'tier', 'ttl'] as const;
const tiers: readonly string[] = ['ordinary', 'critical'] satisfies Tier[];

const ofSite = 'site:';
const longestTtlMs = 7 * 86_400_000;

/** The approval that the annotations describe, undefined where there is none, and what is wrong with them. */
export function approvalIn(json: PolicyJson, directory?: Directory): { approval?: Approval; faults: string[] } {
  const annotations = json.annotations ?? {};
  const { approvals, from, distinct_groups: distinct = '1', tier = 'ordinary', ttl } = annotations;
  if (approvals === undefined) {
    const stray = approvalAnnotations.filter(name => annotations[name] !== undefined);
    return { faults: stray.map(name => `@${name} means nothing without @approvals`) };
  }
  const faults: string[] = [];
  if (json.effect !== 'forbid') faults.push('@approvals belongs on a forbid: a permit cannot ask for votes');
  if (!/^[1-5]$/.test(approvals)) faults.push('@approvals must be 1 to 5');
  const groups = [...new Set((from ?? '').split(',').map(group => group.trim()))];
  if (groups.includes('')) faults.push('@from must name at least one group');
  else if (groups.some(isServiceName)) faults.push('@from cannot name the program itself: it never votes');
  if (!/^[1-5]$/.test(distinct)) faults.push('@distinct_groups must be 1 to 5');
  else if (Number(distinct) > groups.length)
    faults.push(`@distinct_groups wants ${distinct}, and @from names ${groups.length}: no vote could satisfy it`);
  else if (Number(distinct) > Number(approvals))
    faults.push(`@distinct_groups wants ${distinct}, and @approvals ${approvals}: one person speaks for one group`);
  if (!tiers.includes(tier)) faults.push(`@tier must be ${tiers.join(' or ')}`);
  const ttlMs = parseIsoDuration(ttl ?? '');
  if (ttlMs === undefined) faults.push('@ttl must be an ISO 8601 duration such as PT1H, at most P7D');
  const approval: Approval = {
    approvals: Number(approvals),
    from: groups,
    distinctGroups: Number(distinct),
    tier: tier === 'critical' ? 'critical' : 'ordinary',
    ttlMs: ttlMs ?? 0,
  };
  if (directory && faults.length === 0) faults.push(...missingVoters(groups, directory));
  return { approval, faults };
}

/** Resolves `site:<group>` for the site of the resource. */
export function groupsForSite(from: string[], site: string): string[] {
  return from.map(group => (isOfSite(group) ? `${site}:${group.slice(ofSite.length)}` : group));
}

/** The groups of a person as policies about this site see them: who is in `boston:operators` is in `site:operators` there. */
export function groupsAt(groups: string[], site: string): string[] {
  const own = groups.filter(group => !group.startsWith(ofSite));
  const local = own.filter(group => group.startsWith(`${site}:`)).map(group => ofSite + group.slice(site.length + 1));
  return [...own, ...local];
}

/** Whether it stands for a group of each site. */
export function isOfSite(group: string): boolean {
  return group.startsWith(ofSite);
}

function missingVoters(from: string[], { groups }: Directory): string[] {
  const missing = from.filter(group => !isOfSite(group) && !groups.includes(group));
  return missing.map(group => `nobody is in the group ${group}`);
}

/** Where too few could vote, if anywhere: what wants these votes is never allowed there, so it is no fault of the policy. */
export function sitesWithoutVoters(
  { from, distinctGroups }: Approval,
  { groups, sites }: Directory,
): string | undefined {
  const exists = (group: string) => groups.includes(group);
  const stuck = sites.filter(site => groupsForSite(from, site).filter(exists).length < distinctGroups);
  const lacking = stuck.flatMap(site => groupsForSite(from, site).filter(group => !exists(group)));
  if (stuck.length === 0) return undefined;
  return `too few could vote at ${stuck.join(', ')}: nobody is in ${[...new Set(lacking)].join(', ')}`;
}

/** Milliseconds of `P1D`, `PT1H30M`, …; undefined unless positive and at most seven days. */
function parseIsoDuration(text: string): number | undefined {
  const match = /^P(?:(\d{1,3})D)?(?:T(?=\d)(?:(\d{1,4})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?)?$/.exec(text);
  if (!match) return undefined;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map(part => Number(part ?? 0));
  const ms = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
  return ms > 0 && ms <= longestTtlMs ? ms : undefined;
}
