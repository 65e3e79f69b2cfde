/** Holds what reached the lab's machines against the custody log: the two are written by different programs. */
import type { StoredEntry } from '../../src/core/custody.ts';
import type { Effect } from '../../src/lab/effect-log.ts';
import type { Client } from '../../src/surfaces/cli/client.ts';

type Intent = Extract<StoredEntry, { type: 'effect.intent' }>;
export type Numbered = StoredEntry & { seq: number };

export async function custodyEntries(client: Client): Promise<Numbered[]> {
  const entries: Numbered[] = [];
  for (;;) {
    const rows = await client.custodyEntries({ from: entries.length, limit: 1000 });
    if (rows.length === 0) return entries;
    for (const row of rows)
      entries.push({ seq: row.seq, ...(JSON.parse(Buffer.from(row.bytes).toString('utf8')) as StoredEntry) });
  }
}

/** Writes that change a machine or cluster; log-ins are counted elsewhere. */
export function changes(effects: Effect[]): Effect[] {
  return effects.filter(effect => !effect.path.includes('/SessionService/'));
}

/** Whether a request goes where a BMC is told to fetch an image, or is sent one. */
export function isHandOver(path: string): boolean {
  return /SimpleUpdate$|UpdateService\/(upload|update(-multipart)?)$|\/m?fwupdate$/.test(path);
}

/** What is wrong, one line each; empty when every effect had an earlier committed intent under an approval. */
export function unaccounted(effects: Effect[], entries: Numbered[]): string[] {
  const problems: string[] = [];
  const used = new Set<number>();
  for (const effect of changes(effects)) {
    const told = `#${effect.seq} ${effect.method} ${effect.path} on ${effect.name}`;
    const intent = entries.find(
      entry => entry.type === 'effect.intent' && covers(entry, effect) && !used.has(entry.seq),
    ) as (Intent & { seq: number }) | undefined;
    if (!intent) {
      problems.push(`${told}: no earlier intent`);
      continue;
    }
    // What was refused, or failed, may be asked again under its intent; what succeeded only if it names the pod's uid.
    if (effect.status < 300 && !effect.path.endsWith('/eviction')) used.add(intent.seq);
    const allowed = entries.some(
      entry =>
        entry.seq < intent.seq &&
        ((entry.type === 'vote' && entry.digest === intent.digest && entry.vote === 'approve' && entry.counted) ||
          (entry.type === 'decision' && entry.digest === intent.digest && entry.verdict === 'allow')),
    );
    if (!allowed) problems.push(`${told}: no approval of ${intent.digest} before intent ${intent.seq}`);
  }
  return problems;
}

function covers({ request, time }: Intent, effect: Effect): boolean {
  const target = effect.kind === 'cluster' ? `cluster:${effect.name}` : effect.target;
  return (
    request.target === target && request.method === effect.method && request.path === effect.path && time <= effect.time
  );
}
