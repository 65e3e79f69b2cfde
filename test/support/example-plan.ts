/** One plan, sound and small: every test takes what differs. */
import { newId, newToken } from '../../src/core/ids.ts';
import { type Plan, planDigest, type StoredPlan } from '../../src/core/plan.ts';

export function examplePlan(change: Partial<Plan> = {}): StoredPlan {
  const fact = { value: 'SERIAL' };
  const target = {
    node: 'w-1',
    site: 'boston',
    cluster: 'boston',
    role: 'worker',
    nodeUid: 'uid-1',
    systemUuid: '11111111-2222-4333-8444-555555555555',
    serial: fact,
    model: fact,
    vendor: 'dell',
    bmcUrl: 'https://127.0.0.9',
    systemUri: '/redfish/v1/Systems/1',
    cohort: 'dell R750',
  } as const;
  const plan: Plan = {
    schema: 1,
    id: newId('plan'),
    kind: 'firmware-rollout',
    action: 'firmwareRollout',
    author: 'ask',
    scopes: [
      {
        site: 'boston',
        cluster: 'boston',
        budget: { maxUnavailable: 2 },
        blast: { peakUnavailable: 1, targets: 1, controlPlane: 0, quorumLost: false, lastOf: [] },
      },
    ],
    targets: [target],
    waves: [['w-1']],
    canaries: ['w-1'],
    limits: { maxSites: 1, cohortFailures: 1, failures: 1, lostSites: 1 },
    steps: [],
    excluded: [],
    drain: { deleteEmptyDir: true, force: false, byPriority: false },
    warnings: [],
    irreversible: [],
    soakMs: 0,
    policyDigest: 'sha256:0',
    createdAt: new Date().toISOString(),
    expiresAt: new Date(Date.now() + 3600_000).toISOString(),
    nonce: newToken(),
    ...change,
  };
  return { plan, digest: planDigest(plan) };
}
