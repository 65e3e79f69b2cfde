/**
 * Freezing and lifting. To stop is easy on purpose: any operator, one call, from anywhere. To go on is not: a person
 * who is there says so, which neither a model nor a stored token can.
 */
import type { CustodyEvent } from '../core/custody.ts';
import { FleetError } from '../core/errors.ts';
import { type Freeze, frozenPart } from '../core/freeze.ts';
import { newId } from '../core/ids.ts';
import type { Policy, PolicyResource } from '../core/policy.ts';
import type { Records } from '../core/records.ts';
import type { Caller } from '../core/tool.ts';
import type { CustodyLog } from './custody/log.ts';
import { deedOn, isAtHand, type Presence, type ProvePresence } from './presence.ts';

export type Freezes = {
  /** Stands when this returns; who may freeze is asked before, as for every tool. */
  freeze(where: PolicyResource, reason: string, caller: Caller): Promise<Freeze>;
  /** Throws `forbidden` where no person is at hand and for who may not change things there, `unauthenticated`, `not_found`. */
  lift(id: string, proof: { reason: string; presence: Presence }, caller: Caller): Promise<Freeze>;
};

export type FreezesParts = {
  records: Records;
  custody: CustodyLog;
  policy: Policy;
  provePresence: ProvePresence;
  now?: () => Date;
};

export function createFreezes({
  records,
  custody,
  policy,
  provePresence,
  now = () => new Date(),
}: FreezesParts): Freezes {
  const entry = (
    freeze: Freeze,
    action: 'frozen' | 'lifted',
    { reason, caller }: { reason: string; caller: Caller },
  ) => {
    const event: CustodyEvent = { type: 'freeze', freeze: freeze.id, action, where: frozenPart(freeze), reason };
    const actor = { sub: caller.person.name, groups: caller.person.groups };
    const resource = { site: freeze.site, cluster: freeze.cluster };
    return { ...event, actor, via: { channel: caller.channel, client: caller.client }, resource };
  };

  function authorise({ site, cluster }: Freeze, caller: Caller): void {
    const decision = policy.decide({
      principal: caller.person,
      action: 'unfreezeChanges',
      risk: 'control',
      resource: { site, cluster },
      context: { via: caller.channel, cleared: [] },
    });
    if (decision.verdict === 'allow') return;
    throw new FleetError({ code: 'forbidden', message: `policy does not let ${caller.person.name} lift this freeze` });
  }

  return {
    async freeze({ site, cluster }, reason, caller) {
      const freeze: Freeze = {
        id: newId('frz'),
        site,
        cluster,
        reason,
        by: caller.person.name,
        at: now().toISOString(),
      };
      await records.transaction(async tx => {
        await tx.freezes.insert(freeze);
        await custody.append(entry(freeze, 'frozen', { reason, caller }), tx.custody);
      });
      return freeze;
    },

    async lift(id, { reason, presence }, caller) {
      if (!isAtHand(caller))
        throw new FleetError({
          code: 'forbidden',
          message: 'only a person lifts a freeze',
          hint: `on the CLI, with your passphrase: groundskeeper unfreeze ${id}; or on the page /freezes/${id}`,
        });
      await provePresence({ person: caller.person.name, presence, deed: deedOn('unfreeze', { id }) });
      const freeze = (await records.freezes.standing()).find(each => each.id === id);
      if (!freeze) throw gone(id);
      authorise(freeze, caller);
      await records.transaction(async tx => {
        if (!(await tx.freezes.lift(id, { by: caller.person.name, at: now() }))) throw gone(id);
        await custody.append(entry(freeze, 'lifted', { reason, caller }), tx.custody);
      });
      return freeze;
    },
  };
}

function gone(id: string): FleetError {
  return new FleetError({
    code: 'not_found',
    message: `no freeze ${id} stands`,
    hint: 'get-fleet-overview shows those that do',
  });
}
