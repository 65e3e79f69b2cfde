/** `serviceaccounts/<name>/token`: a token with an end, for whoever may ask for it. */

import { ApiFailure } from '../model/failure.ts';
import type { Accounts } from './accounts.ts';

type TokenSpec = { audiences?: string[]; expirationSeconds?: number };

const shortest = 600;
const longest = 2 ** 32;

/** The TokenRequest with its token in `status`. Throws 404 without the account, 422 for a duration under ten minutes. */
export function answerTokenRequest(
  accounts: Accounts,
  account: { namespace: string; name: string },
  sent: unknown,
): object {
  const { spec = {} } = (sent ?? {}) as { spec?: TokenSpec };
  const { expirationSeconds = 3600, audiences = ['https://kubernetes.default.svc.cluster.local'] } = spec;
  if (!Number.isInteger(expirationSeconds) || expirationSeconds < shortest || expirationSeconds > longest) {
    const why = expirationSeconds > longest ? 'longer than 2^32 seconds' : 'less than 10 minutes';
    const message = `Invalid value: ${expirationSeconds}: may not specify a duration ${why}`;
    throw new ApiFailure(
      422,
      'Invalid',
      `TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: ${message}`,
      {
        group: 'authentication.k8s.io',
        kind: 'TokenRequest',
        causes: [{ reason: 'FieldValueInvalid', message, field: 'spec.expirationSeconds' }],
      },
    );
  }
  const { token, expires } = accounts.issue(account, expirationSeconds);
  return {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name: account.name, namespace: account.namespace, creationTimestamp: new Date().toISOString() },
    spec: { audiences, expirationSeconds, boundObjectRef: null },
    status: { token, expirationTimestamp: expires.toISOString() },
  };
}
