/**
 * Holding an operation and letting it go on. Each is on record together with
 * the change itself. Anybody who may start an operation may hold it, from
 * anywhere; only a person who is there lets it go on: whatever a model was
 * told, and whoever has a stored token, lifts nothing.
 */
import { FleetError } from '../core/errors.ts';
import type { Operation } from '../core/operation.ts';
import type { Policy } from '../core/policy.ts';
import type { OperationStore, Records } from '../core/records.ts';
import type { Caller } from '../core/tool.ts';
import { recordedReason } from './approvals-eligibility.ts';
import type { CustodyLog } from './custody/log.ts';
import { deedOn, isAtHand, type Presence, type ProvePresence } from './presence.ts';

export type Steering = {
  /** No node begins any more; those that began go on. */
  pause(operation: string, caller: Caller): Promise<Operation>;
  /** Throws `forbidden` over MCP and for who may not change things there, `unauthenticated`. */
  resume(operation: string, proof: GoingOn, caller: Caller): Promise<Operation>;
  /** As `resume`; lets the next wave begin, once the one before has ended. */
  advance(operation: string, proof: GoingOn, caller: Caller): Promise<Operation>;
};

export type GoingOn = { reason: string; presence: Presence };

export type SteeringParts = { records: Records; custody: CustodyLog; policy: Policy; provePresence: ProvePresence };

export function steering({ records, custody, policy, provePresence }: SteeringParts): Steering {
  return {
    async pause(id, caller) {
      const { name } = caller.person;
      return turned(id, caller, { state: 'paused', reason: `${name} paused it`, set: tx => tx.setPaused(id, name) });
    },
    async resume(id, proof, caller) {
      const why = await proveHuman('resume', { id, proof, caller });
      const reason = `${caller.person.name} resumed it: ${why}`;
      return turned(id, caller, { state: 'resumed', reason, set: tx => tx.setPaused(id, null) });
    },
    async advance(id, proof, caller) {
      const why = await proveHuman('advance', { id, proof, caller });
      const operation = await records.operations.get(id);
      const { plan } = await records.plans.get(operation.plan);
      if (plan.advance !== 'manual')
        throw new FleetError({ code: 'precondition_failed', message: `operation ${id} goes on by itself` });
      const wave = nextWave(operation);
      const reason = `${caller.person.name} lets wave ${wave} begin: ${why}`;
      return turned(id, caller, { state: 'advanced', reason, set: tx => tx.advance(id, wave) });
    },
  };

  /** Answers the reason as it goes on record. */
  async function proveHuman(act: 'resume' | 'advance', { id, proof, caller }: Going): Promise<string> {
    const { channel, person } = caller;
    if (!isAtHand(caller))
      throw new FleetError({
        code: 'forbidden',
        message: `only a person ${act}s an operation`,
        hint: `on the CLI, with your passphrase: groundskeeper ${act}-operation ${id}; or on the page /operations/${id}`,
      });
    const reason = recordedReason(proof.reason, { needed: true });
    const operation = await records.operations.head(id);
    await provePresence({ person: person.name, presence: proof.presence, deed: deedOn(act, operation) });
    const { plan } = await records.plans.get(operation.plan);
    for (const { site, cluster } of plan.scopes) {
      const decision = policy.decide({
        principal: person,
        action: `${act}Operation`,
        risk: 'control',
        resource: { site, cluster },
        context: { via: channel, cleared: [] },
      });
      if (decision.verdict === 'allow') continue;
      throw new FleetError({
        code: 'forbidden',
        message: `policy does not let ${person.name} ${act} it in ${cluster}`,
      });
    }
    return reason;
  }

  /** The change, its entry and its event, or none of them; what stands so already is no news. */
  async function turned(id: string, caller: Caller, { state, reason, set }: Turn): Promise<Operation> {
    const { digest, site, cluster } = await records.operations.head(id);
    await records.transaction(async tx => {
      if (!(await set(tx.operations))) return;
      const entry = {
        type: 'operation',
        operation: id,
        digest,
        state,
        reason,
        actor: { sub: caller.person.name, groups: caller.person.groups },
        via: { channel: caller.channel, client: caller.client },
        resource: { site, cluster },
      } as const;
      const [receipt] = await custody.append(entry, tx.custody);
      const event = { step: 'operation', status: 'progress', message: reason } as const;
      await tx.operations.addEvent(id, `${state}/${receipt?.seq}`, event);
    });
    return records.operations.get(id);
  }
}

type Going = { id: string; proof: GoingOn; caller: Caller };
type Turn = { state: string; reason: string; set(operations: OperationStore): Promise<boolean> };

/** Throws `conflict` while a wave is at work, and where none is left. */
function nextWave({ id, nodes }: Operation): number {
  const waiting = nodes.filter(({ state }) => state === 'waiting').map(({ wave }) => wave);
  const wave = Math.min(...waiting);
  if (waiting.length === 0)
    throw new FleetError({ code: 'conflict', message: `operation ${id} has no wave that has not begun` });
  const atWork = nodes.find(({ wave: other, state }) => other <= wave && state === 'running');
  if (atWork || wave === 1)
    throw new FleetError({
      code: 'conflict',
      message: atWork ? `${atWork.node} of wave ${atWork.wave} is still at work` : 'its first wave needs nobody',
      hint: 'advance it when that wave has ended',
    });
  return wave;
}
