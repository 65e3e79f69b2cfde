/** One request that would change something, and what is said where a BMC has none to offer. */
import { FleetError } from '../../core/errors.ts';
import type { Connection } from './connection.ts';

export type ChangeRequest = { method: 'POST' | 'PATCH'; path: string; body: unknown };

export function offersNone({ url }: Connection, what: string, hint: string): FleetError {
  return new FleetError({ code: 'bmc_refused', message: `${url} offers no ${what}; nothing was sent`, hint });
}
