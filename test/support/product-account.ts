/** What the product may do in a cluster is what its manifests say: no test lets it in as anybody else. */
import { fieldManager } from '../../src/core/cluster.ts';
import type { Caller } from '../../src/lab/cluster/api/server.ts';

/** Throws when our adapter came to an API server as an administrator. */
export function neverAsAdministrator(callers: Caller[]): void {
  const wrong = callers.find(({ agent, user }) => agent.startsWith(`${fieldManager}/`) && user === 'kubernetes-admin');
  if (wrong)
    throw new Error(`${wrong.agent} asked as ${wrong.user}: it is to work with the account of deploy/kubernetes`);
}
