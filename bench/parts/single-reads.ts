/**
 * What somebody reads one by one who knows nothing of `$expand`: for each
 * address with it the plain one, and every resource that came in its answer.
 */
import { request } from 'node:https';
import type { LabBmc } from './bmc-lab.ts';
import type { Account } from './other-readers.ts';

type Fleet = { bmcs: LabBmc[]; account: Account };

/** The list again, without `$expand`. BMCs of one machine have the same resources, so one of each is asked. */
export async function singleReads(urls: string[], { bmcs, account }: Fleet): Promise<string[]> {
  const machines = new Map(bmcs.map(({ url, machine }) => [url, machine]));
  const known = new Map<string, string[]>();
  const single = new Set<string>();
  for (const url of urls) {
    const { origin, pathname, search } = new URL(url);
    if (search === '') single.add(url);
    else {
      const key = `${machines.get(origin)} ${pathname}${search}`;
      const paths = known.get(key) ?? [pathname, ...inside(await read(url, account))];
      known.set(key, paths);
      for (const path of paths) single.add(`${origin}${path}`);
    }
  }
  return [...single];
}

/** Whole resources below this one, not the links to others. */
function inside(body: unknown): string[] {
  if (typeof body !== 'object' || body === null) return [];
  return Object.values(body).flatMap(value => [...itself(value), ...inside(value)]);
}

function itself(value: unknown): string[] {
  const isWhole = typeof value === 'object' && value !== null && 'Id' in value && '@odata.id' in value;
  return isWhole ? [String(value['@odata.id'])] : [];
}

function read(url: string, { username, password }: Account): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const options = { auth: `${username}:${password}`, rejectUnauthorized: false, agent: false } as const;
    const asked = request(url, options, async answer => {
      try {
        resolve(JSON.parse(Buffer.concat(await answer.toArray()).toString()));
      } catch (error) {
        reject(error);
      }
    });
    asked.on('error', reject).end();
  });
}
