/** Completes a draft into a plan, and stores it together with its custody entry. */
import { canonicalBytes } from '../core/canonical.ts';
import { newId, newToken } from '../core/ids.ts';
import { type PlanDraft, placeOf, planDigest, type StoredPlan } from '../core/plan.ts';
import type { Policy } from '../core/policy.ts';
import type { Records } from '../core/records.ts';
import { type Caller, viaOf } from '../core/tool.ts';
import type { CustodyLog } from './custody/log.ts';

export type StorePlan = (draft: PlanDraft, caller: Caller) => Promise<StoredPlan>;

type Parts = { records: Records; custody: CustodyLog; policy: Policy; planTtlMs: number };

export function planStorer({ records, custody, policy, planTtlMs }: Parts): StorePlan {
  return async (draft, caller) => {
    const now = Date.now();
    const plan = jsonOf({
      schema: 1 as const,
      id: newId('plan'),
      ...draft,
      author: caller.person.name,
      policyDigest: policy.digest,
      createdAt: new Date(now).toISOString(),
      expiresAt: new Date(now + planTtlMs).toISOString(),
      nonce: newToken(),
    });
    const stored = { plan, digest: planDigest(plan) };
    await records.transaction(async tx => {
      await tx.plans.insert(stored);
      await custody.append(
        {
          type: 'plan',
          action: plan.action,
          plan: plan.id,
          digest: stored.digest,
          actor: { sub: caller.person.name, groups: caller.person.groups },
          via: viaOf(caller),
          resource: placeOf(plan),
        },
        tx.custody,
      );
    });
    return stored;
  };
}

/** The value as JSON keeps it: no `undefined`, so that stored bytes and digest agree. */
function jsonOf<T>(value: T): T {
  return JSON.parse(canonicalBytes(value).toString('utf8')) as T;
}
