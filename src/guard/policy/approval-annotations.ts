/** `@approvals`, `@from` and `@ttl`: what a forbid asks of people before it stops objecting. */
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { isServiceName } from '../../core/fleet.ts';

/** Who exists, so that a group that nobody can be in is found at load. */
export type Directory = { groups: string[]; sites: string[] };

export type Approval = {
  approvals: number;
  /** Group names; `site:operators` stands for the group `<name of the site>:operators`. */
  from: string[];
  ttlMs: number;
};

const longestTtlMs = 7 * 86_400_000;

/** The approval that the annotations describe, undefined where there is none, and what is wrong with them. */
export function approvalIn(json: PolicyJson, directory?: Directory): { approval?: Approval; faults: string[] } {
  const { approvals, from, ttl } = json.annotations ?? {};
  if (approvals === undefined) {
    const stray = from !== undefined || ttl !== undefined;
    return { faults: stray ? ['@from and @ttl mean nothing without @approvals'] : [] };
  }
  const faults: string[] = [];
  if (json.effect !== 'forbid') faults.push('@approvals belongs on a forbid: a permit cannot ask for votes');
  if (!/^[1-5]$/.test(approvals)) faults.push('@approvals must be 1 to 5');
  const groups = (from ?? '').split(',').map(group => group.trim());
  if (groups.includes('')) faults.push('@from must name at least one group');
  else if (groups.some(isServiceName)) faults.push('@from cannot name the program itself: it never votes');
  else if (directory) faults.push(...groups.flatMap(group => missingGroups(group, directory)));
  const ttlMs = parseIsoDuration(ttl ?? '');
  if (ttlMs === undefined) faults.push('@ttl must be an ISO 8601 duration such as PT1H, at most P7D');
  return { approval: { approvals: Number(approvals), from: [...new Set(groups)], ttlMs: ttlMs ?? 0 }, faults };
}

/** Resolves `site:<group>` for the site of the resource. */
export function groupsForSite(from: string[], site: string): string[] {
  return from.map(group => (group.startsWith('site:') ? `${site}:${group.slice('site:'.length)}` : group));
}

function missingGroups(group: string, { groups, sites }: Directory): string[] {
  const wanted = sites.length > 0 ? sites.flatMap(site => groupsForSite([group], site)) : [group];
  const missing = [...new Set(wanted)].filter(name => !groups.includes(name));
  return missing.map(name => `nobody is in the group ${name}`);
}

/** Milliseconds of `P1D`, `PT1H30M`, …; undefined unless positive and at most seven days. */
function parseIsoDuration(text: string): number | undefined {
  const match = /^P(?:(\d{1,3})D)?(?:T(?=\d)(?:(\d{1,4})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?)?$/.exec(text);
  if (!match) return undefined;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map(part => Number(part ?? 0));
  const ms = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
  return ms > 0 && ms <= longestTtlMs ? ms : undefined;
}
