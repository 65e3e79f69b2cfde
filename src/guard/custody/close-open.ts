/**
 * What was announced and never concluded, once nobody looks into it any more:
 * its operation has ended, so the log says that nobody knows what became of it.
 */
import type { Actor, Via } from '../../core/custody.ts';
import type { EffectState, Records, Stores } from '../../core/records.ts';
import { byService, type CustodyLog } from './log.ts';

type Log = Pick<CustodyLog, 'append'>;

const unconcluded: EffectState[] = ['open', 'unknown'];

export type Ending = { id: string; why: string; by: { actor: Actor; via: Via } };

/** Concludes as ambiguous what the operation left open. Answers how many effects that were. */
export async function closeOpen(tx: Stores, custody: Log, { id, why, by }: Ending): Promise<number> {
  let closed = 0;
  for (const { intent } of await tx.effects.list(id, { prefix: '', states: unconcluded })) {
    const end = { state: 'ambiguous', result: null, detail: why } as const;
    if (!(await tx.effects.close({ intent, from: unconcluded, ...end }))) continue;
    closed++;
    const entry = { type: 'effect.reconciled', operation: id, intent, finding: 'ambiguous', evidence: why } as const;
    await custody.append({ ...entry, ...by }, tx.custody);
  }
  return closed;
}

/** The same for all operations that have ended, as earlier versions left them. Answers how many effects that were. */
export async function closeEnded(records: Pick<Records, 'effects' | 'transaction'>, custody: Log): Promise<number> {
  const why = 'its operation ended before anybody saw what became of it';
  let closed = 0;
  for (const id of await records.effects.leftByEnded())
    closed += await records.transaction(tx => closeOpen(tx, custody, { id, why, by: byService }));
  return closed;
}
