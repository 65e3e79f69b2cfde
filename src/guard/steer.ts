/**
 * Holding an operation and letting it go on. Each is on record together with
 * the change itself. Anybody who may start an operation may hold it; only a
 * person lets it go on: whatever a model was told, it lifts nothing.
 */
import { FleetError } from '../core/errors.ts';
import { isServiceName } from '../core/fleet.ts';
import type { Operation } from '../core/operation.ts';
import type { OperationStore, Records } from '../core/records.ts';
import type { Caller } from '../core/tool.ts';
import type { CustodyLog } from './custody/log.ts';

export type Steering = {
  /** No node begins any more; those that began go on. */
  pause(operation: string, caller: Caller): Promise<Operation>;
  resume(operation: string, caller: Caller): Promise<Operation>;
  /** Lets the next wave begin, once the one before has ended. */
  advance(operation: string, caller: Caller): Promise<Operation>;
};

export function steering({ records, custody }: { records: Records; custody: CustodyLog }): Steering {
  return {
    async pause(id, caller) {
      const { name } = caller.person;
      return turned(id, caller, { state: 'paused', reason: `${name} paused it`, set: tx => tx.setPaused(id, name) });
    },
    async resume(id, caller) {
      proveHuman(caller, 'resumes');
      const reason = `${caller.person.name} resumed it`;
      return turned(id, caller, { state: 'resumed', reason, set: tx => tx.setPaused(id, null) });
    },
    async advance(id, caller) {
      proveHuman(caller, 'advances');
      const operation = await records.operations.get(id);
      const { plan } = await records.plans.get(operation.plan);
      if (plan.advance !== 'manual')
        throw new FleetError({ code: 'precondition_failed', message: `operation ${id} goes on by itself` });
      const wave = nextWave(operation);
      const reason = `${caller.person.name} lets wave ${wave} begin`;
      return turned(id, caller, { state: 'advanced', reason, set: tx => tx.advance(id, wave) });
    },
  };

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

type Turn = { state: string; reason: string; set(operations: OperationStore): Promise<boolean> };

function proveHuman({ channel, person }: Caller, does: string): void {
  if (channel !== 'mcp' && channel !== 'assistant' && !isServiceName(person.name)) return;
  throw new FleetError({
    code: 'forbidden',
    message: `only a person ${does} an operation`,
    hint: 'do it on the CLI',
  });
}

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
