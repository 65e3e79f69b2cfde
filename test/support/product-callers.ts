/** The product works under the account that its manifests ship: what it can do only as an administrator, it cannot do. */
import type { Caller } from '../../src/lab/cluster/access/callers.ts';

/** Throws when a request with the product's User-Agent came from an administrator. */
export function neverAsAdministrator(callers: Caller[]): void {
  const wrong = callers.filter(({ userAgent, isAdministrator }) => isAdministrator && isProduct(userAgent));
  if (wrong.length > 0) throw new Error(`the product asked as an administrator: ${JSON.stringify(wrong)}`);
}

function isProduct(userAgent: string): boolean {
  return userAgent.startsWith('groundskeeper/');
}
