/**
 * Waiting at a gate: looks until everything holds in one look, and ends, with
 * what it saw, where waiting cannot mend it or has taken too long.
 */
import { FleetError } from '../core/errors.ts';
import type { GateSubject, GateVerdict, OwnCheck, PlanGates } from '../core/gate.ts';
import { tellGates } from '../planning/gates.ts';
import { enough, type Wait, waitFor } from './wait.ts';

type At = Pick<Wait<unknown>, 'what' | 'stopReason'> & {
  pollMs: number;
  /** Told when what is waited for changes. */
  tell(message: string): Promise<void>;
};

type Gates = At & { by: number; look(): Promise<GateVerdict[]> };

/** Answers what it saw. Throws `timeout`, or `precondition_failed` as soon as a gate has failed. */
export async function passGates({ what, by, pollMs, stopReason, tell, look }: Gates): Promise<string> {
  const news = onChange(tell);
  return waitFor<string>({
    what,
    everyMs: pollMs,
    by: enough(by, pollMs),
    ...(stopReason ? { stopReason } : {}),
    async look() {
      const verdicts = await look();
      const failed = verdicts.filter(({ state }) => state === 'failed');
      if (failed.length > 0)
        throw new FleetError({ code: 'precondition_failed', message: `${what} in vain: ${tellGates(failed)}` });
      const waits = verdicts.filter(({ state }) => state !== 'passed');
      if (waits.length === 0) return { value: tellGates(verdicts) };
      await news(waits.map(({ gate }) => gate).join(', '), tellGates(waits));
      return { missing: tellGates(waits) };
    },
  });
}

export type OwnChecks = At & {
  gates: PlanGates;
  after: OwnCheck['after'];
  configured: readonly OwnCheck[];
  subject: GateSubject;
  /** When the waiting began, milliseconds since the epoch; a restart does not begin it again. */
  begun: number;
};

/** All of the operators' own checks side by side, each held for its time within its limit. Throws as {@link passGates} does. */
export async function passOwnChecks({ gates, after, configured, ...rest }: OwnChecks): Promise<string> {
  const planned = gates.own.filter(own => own.after === after && own.site === rest.subject.site);
  const found = planned.map(({ name }) => configured.find(check => check.name === name) ?? gone(name));
  return (await Promise.all(found.map(check => passOwnCheck(check, rest)))).join('; ');
}

type OwnCheckAt = Omit<OwnChecks, 'gates' | 'after' | 'configured'>;

async function passOwnCheck(check: OwnCheck, { subject, begun, ...at }: OwnCheckAt): Promise<string> {
  const { name: gate, forMs, timeoutMs } = check;
  let heldSince: number | undefined;
  return passGates({
    ...at,
    // After a long stop of this process it must still be able to hold for its time.
    by: Math.max(begun + timeoutMs, Date.now() + forMs),
    async look() {
      const { state, saw } = await check.ask(subject);
      if (state !== 'passed') {
        heldSince = undefined;
        return [{ gate, state, saw }];
      }
      heldSince ??= Date.now();
      const holds = Date.now() - heldSince >= forMs;
      return [{ gate, state: holds ? 'passed' : 'waits', saw: holds ? saw : `${saw}, not yet for ${forMs / 1000} s` }];
    },
  });
}

/** A plan was approved with this check, so without it nothing is known. */
function gone(name: string): OwnCheck {
  const saw = 'it is not configured any more';
  return { name, after: 'wave', forMs: 0, timeoutMs: 0, ask: async () => ({ state: 'failed', saw }) };
}

/** Figures change with every look; what is missing is news. */
function onChange(tell: (message: string) => Promise<void>) {
  let last: string | undefined;
  return async (key: string, message: string): Promise<void> => {
    if (key === last) return;
    last = key;
    await tell(`waits for ${message}`);
  };
}
