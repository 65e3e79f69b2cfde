/**
 * A failure that tells from when on the same act may pass is no reason to give a machine up: such as a BMC whose log-ins rest,
 * because two answers to them were lost with the processes that asked.
 */
import { FleetError } from '../core/errors.ts';
import { type Wait, waitFor } from './wait.ts';

type Act<T> = Pick<Wait<unknown>, 'everyMs' | 'stopReason'> & {
  /** Done again from its beginning; what it finds done, it does not repeat. */
  act(): Promise<T>;
  /** The latest moment that is waited for, milliseconds since the epoch. */
  by: number;
  /** Told once for each wait. */
  tell(failure: FleetError): Promise<void>;
};

/** Throws what the act failed with for good, and `stopped` where a stop reason ended a wait. */
export async function waitOut<T>({ act, by, everyMs, stopReason, tell }: Act<T>): Promise<T> {
  for (;;) {
    const ended = await act().then(
      value => ({ value }),
      thrown => FleetError.from(thrown),
    );
    if (!(ended instanceof FleetError)) return ended.value;
    const after = Date.parse(ended.after ?? '');
    if (!(after <= by)) throw ended;
    await tell(ended);
    await waitFor({
      what: `the time from which this may pass: ${ended.message}`,
      everyMs,
      by: after + 60_000,
      ...(stopReason ? { stopReason } : {}),
      look: async () => (Date.now() > after ? { value: undefined } : { missing: 'it has not come' }),
    });
  }
}
