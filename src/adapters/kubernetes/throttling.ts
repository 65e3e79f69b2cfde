/**
 * What an API server that is busy asks for. A 429 that names no disruption
 * budget comes from its request limits (priority and fairness, or shutting
 * down): the request was turned away before it was carried out, a write too.
 */
import { type ApiRefusal, byAdmission } from './failures.ts';

export const throttledTries = 5;
const firstPauseMs = 250;
const longestPauseMs = 5000;

/** An admission webhook that says 429 means this object, not the load. */
export function isThrottled({ status, causes, message }: Pick<ApiRefusal, 'status' | 'causes' | 'message'>): boolean {
  return status === 429 && !causes.includes('DisruptionBudget') && !byAdmission.test(message);
}

/** Milliseconds until the next try: what Retry-After asks, at most five seconds, else a growing pause; both jittered. */
export function throttledPauseMs(attempt: number, retryAfterMs: number | undefined): number {
  const growing = firstPauseMs * 2 ** (attempt - 1) * (0.5 + Math.random());
  const asked = retryAfterMs === undefined ? 0 : retryAfterMs + Math.random() * firstPauseMs;
  return Math.min(Math.max(asked, growing), longestPauseMs);
}
