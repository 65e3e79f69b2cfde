/** Which task an accepted request began, wherever the BMC says so. */
import type { Connection, WriteOutcome } from './connection.ts';
import { pathOnBmcIfAny } from './links.ts';

type Accepted = Extract<WriteOutcome, { outcome: 'accepted' }>;

/**
 * The task that the body is, or that its messages name (Supermicro), else the Location. The body's is the better handle:
 * the Location may be a task monitor, and monitors are deleted as soon as the work ends.
 */
export function taskOf({ url }: Connection, { body, location }: Accepted): { task?: string } {
  const task = inBody(url, body) ?? location;
  return task === undefined ? {} : { task };
}

function inBody(origin: string, body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const own = '@odata.id' in body && 'TaskState' in body ? body['@odata.id'] : undefined;
  if (typeof own === 'string') return pathOnBmcIfAny(origin, own);
  return pathOnBmcIfAny(origin, /"(\/[^"\\]*\/Tasks\/[^"\\/]+)"/.exec(JSON.stringify(body))?.[1]);
}
