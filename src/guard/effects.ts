/**
 * The one function that performs an effect. Authority is asked again, the
 * intent is committed, then the request is sent once, and its outcome is
 * committed. What a crash left open is never repeated on a guess: the caller's
 * `observe` looks at the machine, and only positive evidence that nothing
 * happened allows another attempt.
 */
import type { EffectGrant, EffectRequest } from '../core/effect.ts';
import { DatabaseAway, type ErrorCode, FleetError, type Retry, unreachable } from '../core/errors.ts';
import type { Blast } from '../core/policy.ts';
import type { EffectRow, EffectState, Records } from '../core/records.ts';
import type { Authority } from './authority.ts';
import type { CustodyLog } from './custody/log.ts';

export type Observation<T> =
  | { finding: 'happened'; result: T; evidence: string }
  | { finding: 'not-happened'; evidence: string }
  | { finding: 'ambiguous'; evidence: string };

export type Prepared = {
  request: EffectRequest;
  /** What `observe` will need to compare with, journaled beside the intent. */
  before?: unknown;
};

export type EffectSpec<T> = {
  operation: string;
  node: string;
  /** Unique within the operation, such as `bos-w-1/flash`. */
  step: string;
  action: string;
  /** Runs on after cancel and expiry; policy is not asked again, identity, lease and custody are. */
  settling: boolean;
  /** Leases that the operation must hold at this moment. */
  leases: string[];
  blast(): Promise<Blast>;
  /** Reads what a new attempt will send and start from; never asked while an earlier attempt is open. */
  prepare(): Promise<Prepared>;
  /** Throws where the request may not be sent after all; asked last, and nothing has left this process until it is over. */
  prove?(): Promise<void>;
  /** A request that is repeated under one intent, because it was clearly refused, asks `stillAllowed` each time. */
  send(grant: EffectGrant, stillAllowed: () => Promise<void>): Promise<T>;
  /**
   * Asked of what may have been sent. Its patience begins with its first look: when the request left is not known, and a
   * machine may take as long as ever to show it.
   */
  observe(open: EffectRow): Promise<Observation<T>>;
  /** What the custody log says of a result that was sent and answered. */
  describe?(result: T): string;
};

/**
 * At one effect in the life of its operation: requests that may have reached the machine, each only after proof that the one
 * before did nothing; and intents, most of which end before a request only where processes die in between.
 */
const [mostSent, mostIntents] = [3, 12];

export type PerformEffect = <T>(spec: EffectSpec<T>) => Promise<T>;

export type EffectParts = {
  records: Records;
  custody: CustodyLog;
  authority: Authority;
  /** Shows a committed intent outside the database before a BMC is told anything; throws where nothing may be sent. */
  announce?(): Promise<void>;
};

export function effectPerformer(parts: EffectParts): PerformEffect {
  const { records, custody, authority } = parts;

  async function finish(
    spec: EffectSpec<unknown>,
    row: EffectRow,
    end: { state: EffectState; result: unknown; detail: string },
  ) {
    // Read before the transaction: inside it, many effects at once would wait for each other's connections.
    const stamp = await authority.stamp(spec);
    await records.transaction(async tx => {
      const from: EffectState[] = ['open', 'unknown'];
      if (!(await tx.effects.close({ intent: row.intent, from, ...end }))) return;
      await custody.append({ ...closing(row, end), ...stamp }, tx.custody);
    });
  }

  /** The last thing before the request is sent: whoever finds an open attempt without it knows that nothing was. */
  async function letOut({ intent, step }: EffectRow): Promise<void> {
    if (await records.transaction(tx => tx.effects.letOut(intent)).catch(() => false)) return;
    throw new FleetError({
      code: 'conflict',
      message: `the attempt at ${step} is not ours any more; nothing was sent`,
    });
  }

  async function reconcile<T>(
    spec: EffectSpec<T>,
    row: EffectRow,
  ): Promise<{ again: true } | { again: false; result: T }> {
    const seen = row.mayBeSent ? await spec.observe(row) : unsent;
    const result = seen.finding === 'happened' ? seen.result : null;
    await finish(spec, row, { state: seen.finding, result, detail: seen.evidence });
    switch (seen.finding) {
      case 'happened':
        return { again: false, result: seen.result };
      case 'not-happened':
        return { again: true };
      case 'ambiguous':
        throw ambiguous(spec, seen.evidence);
      default:
        return unreachable(seen);
    }
  }

  async function attempt<T>(spec: EffectSpec<T>, number: number): Promise<T> {
    const { request, before = null } = await spec.prepare();
    const { digest, actor } = await authority.allow(spec);
    const stamp = await authority.stamp(spec, actor);
    const row = await records.transaction(async tx => {
      const { operation, step, action } = spec;
      const entry = {
        type: 'effect.intent',
        operation,
        digest,
        step,
        action,
        attempt: number,
        request,
        ...stamp,
      } as const;
      const [receipt] = await custody.append(entry, tx.custody);
      if (!receipt) throw new FleetError({ code: 'internal', message: 'the custody log kept no intent' });
      await tx.effects.insert({ operation, step, attempt: number, intent: receipt.seq, before });
      return {
        operation,
        step,
        attempt: number,
        intent: receipt.seq,
        before,
        state: 'open',
        result: null,
        detail: '',
        startedAt: '',
        mayBeSent: false,
      } as EffectRow;
    });
    let result: T;
    try {
      const stillAllowed = async () => {
        await authority.allow(spec);
      };
      const ofBmc = spec.leases.includes(`bmc:${request.target}`);
      if (ofBmc) await parts.announce?.();
      await spec.prove?.();
      // That took its time, in which somebody may have stopped it.
      if (ofBmc || spec.prove) await stillAllowed();
      await letOut(row);
      result = await spec.send({ intent: row.intent } as EffectGrant, stillAllowed);
    } catch (thrown) {
      // It says nothing of the request: the intent stays open, and who asks again looks first.
      if (!(thrown instanceof DatabaseAway)) await finish(spec, row, failure(FleetError.from(thrown)));
      throw thrown;
    }
    await finish(spec, row, { state: 'ok', result: result ?? null, detail: spec.describe?.(result) ?? '' });
    return result;
  }

  async function run<T>(spec: EffectSpec<T>): Promise<T> {
    let tries = 0;
    for (;;) {
      const last = await records.effects.latest(spec.operation, spec.step);
      switch (last?.state) {
        case 'ok':
        case 'happened':
          return last.result as T;
        case 'failed':
          throw new FleetError({
            code: 'precondition_failed',
            message: `${spec.action} of ${spec.node} failed before: ${last.detail}`,
          });
        case 'ambiguous':
          throw ambiguous(spec, last.detail);
        case 'open':
        case 'unknown': {
          const reconciled = await reconcile(spec, last);
          if (!reconciled.again) return reconciled.result;
          break;
        }
        case 'not-happened':
        case undefined:
          break;
        default:
          throw new FleetError({
            code: 'ambiguous',
            retry: 'ask',
            message: `the record of ${spec.action} of ${spec.node} cannot be understood`,
          });
      }
      const number = (last?.attempt ?? 0) + 1;
      tries += 1;
      const sent = number > mostSent ? await records.effects.sentAttempts(spec.operation, spec.step) : 0;
      if (sent >= mostSent || tries > mostSent || number > mostIntents)
        throw new FleetError({
          code: 'ambiguous',
          retry: 'ask',
          message: `${spec.action} of ${spec.node} was tried ${number - 1} times`,
        });
      try {
        return await attempt(spec, number);
      } catch (thrown) {
        const error = FleetError.from(thrown);
        if (error.code !== 'ambiguous' && error.code !== 'conflict') throw error;
      }
    }
  }

  /** Whether an intent stands without an end; what cannot be read counts as one. */
  async function leftOpen({ operation, step }: EffectSpec<unknown>): Promise<boolean> {
    const state = await records.effects.latest(operation, step).then(
      row => row?.state,
      () => 'open' as const,
    );
    return state === 'open' || state === 'unknown';
  }

  return async function perform<T>(spec: EffectSpec<T>): Promise<T> {
    try {
      return await run(spec);
    } catch (thrown) {
      const error = FleetError.from(thrown);
      // Asked again once the database is back, it begins with a look at what was left.
      if (error.code === 'ambiguous' || thrown instanceof DatabaseAway || !(await leftOpen(spec))) throw error;
      // Not recorded as ambiguous: a later look may still find the evidence.
      throw ambiguous(spec, error.message, error.retry);
    }
  };
}

const unsent = { finding: 'not-happened', evidence: 'it was never sent' } as const;

/** What adapters throw when nothing was written: no connection, or the resource had changed since it was read. */
const neverSent = new Set<ErrorCode>(['conflict', 'bmc_unreachable', 'cluster_unreachable', 'certificate_changed']);

function failure(error: FleetError): { state: EffectState; result: null; detail: string } {
  const state = error.code === 'ambiguous' ? 'unknown' : neverSent.has(error.code) ? 'not-happened' : 'failed';
  return { state, result: null, detail: error.message };
}

function closing(row: EffectRow, end: { state: EffectState; detail: string }) {
  const { operation, intent } = row;
  switch (end.state) {
    case 'ok':
    case 'failed':
    case 'unknown':
      return { type: 'effect.result', operation, intent, status: end.state, detail: end.detail } as const;
    case 'happened':
    case 'not-happened':
    case 'ambiguous':
      return { type: 'effect.reconciled', operation, intent, finding: end.state, evidence: end.detail } as const;
    case 'open':
      throw new FleetError({ code: 'internal', message: 'an effect cannot end open' });
    default:
      return unreachable(end.state);
  }
}

function ambiguous(spec: EffectSpec<unknown>, evidence: string, retry: Retry = 'ask'): FleetError {
  return new FleetError({
    code: 'ambiguous',
    retry: retry === 'later' ? 'later' : 'ask',
    message: `whether ${spec.action} reached ${spec.node} is not known: ${evidence}`,
    hint: 'look at the machine, then plan again; Groundskeeper will not repeat it by itself',
  });
}
