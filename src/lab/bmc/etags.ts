/** ETags as the vendor makes them, and as a faulty firmware does. */
import { createHash } from 'node:crypto';
import type { Controller } from './controller.ts';
import { type Body, problem, type Reply } from './reply.ts';

/** Undefined where this BMC gives none. */
export function etagOf({ profile, faults }: Controller, body: Body): string | undefined {
  const mode = faults.get('etag')?.mode;
  if (mode === 'none') return undefined;
  const digest = createHash('sha256').update(JSON.stringify(body)).digest('hex');
  if (profile.etag === 'weak') return `W/"${digest.slice(0, 8).toUpperCase()}"`;
  const strong = `"${digest.slice(0, 16)}"`;
  return mode === 'weak-only' ? `W/${strong}` : strong;
}

/** Why a write with this If-Match may not be performed; undefined when it may. */
export function precondition(bmc: Controller, ifMatch: string | undefined, body: Body): Reply | undefined {
  const { profile, faults } = bmc;
  const mode = faults.get('etag')?.mode;
  if (ifMatch === undefined) {
    return mode === 'required-428' ? problem(profile, 428, 'PreconditionRequired') : undefined;
  }
  if (ifMatch === '*') return undefined;
  const refused = problem(profile, 412, 'PreconditionFailed');
  if (mode === 'wrong-412' || (mode === 'weak-only' && ifMatch.startsWith('W/'))) return refused;
  const current = etagOf(bmc, body);
  return current === undefined || strong(ifMatch) === strong(current) ? undefined : refused;
}

function strong(etag: string): string {
  return etag.replace(/^W\//, '');
}
