/**
 * A read is sent again while the BMC is busy or starting, and once more where
 * a connection that was used before broke under it; how often, and how long it
 * waits, is bounded here for every read.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { FleetError } from '../../core/errors.ts';
import { askedMs } from './answer.ts';
import { ConnectFailure } from './pinned-connector.ts';
import { AnswerLost, type WireAnswer } from './transport.ts';
import type { Sent, Wire } from './wire.ts';

const maxRetries = 2;
/** A BMC that asks for a longer pause is left to whoever asks next. */
export const longestPauseMs = 5_000;

/** One GET, answered by any status. Throws what the wire throws. */
export async function readPatiently(wire: Wire, request: Sent): Promise<WireAnswer> {
  for (let attempt = 0; ; attempt++) {
    const last = attempt === maxRetries;
    const pause = wire.timeouts.retryMs * 2 ** attempt * (0.5 + Math.random());
    try {
      const answer = await sendSurely(wire, request);
      const asked = askedMs(answer);
      if ((answer.status !== 502 && answer.status !== 503) || last || asked > longestPauseMs) return answer;
      await delay(Math.max(pause, asked));
    } catch (error) {
      const unsent = error instanceof FleetError && error.cause instanceof ConnectFailure;
      if (last || !unsent || error.code !== 'bmc_unreachable') throw error;
      await delay(pause);
    }
  }
}

/**
 * Sends what may be sent twice, a second time on a connection of its own where the first broke: some BMCs reset a kept-alive
 * connection when it is used again.
 */
export async function sendSurely(wire: Wire, request: Sent): Promise<WireAnswer> {
  try {
    return await wire.send(request);
  } catch (error) {
    const broken = error instanceof FleetError && error.cause instanceof AnswerLost && error.cause.kind === 'broken';
    if (!broken) throw error;
    return wire.send({ ...request, fresh: true });
  }
}
