/**
 * Whether BMCs can fetch from a listener, as far as that shows from here: its advertised address leads back to a process of ours,
 * and is one that another machine can call.
 */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { FleetError } from '../../core/errors.ts';

const answerWithinMs = 5_000;
const nextTryMs = 1_000;

/** Throws `precondition_failed` when a BMC at `remote` could not call `advertise`. Names are left to the BMC to resolve. */
export function proveRoutable(advertise: string, remote: string): void {
  const host = new URL(advertise).hostname.replace(/^\[|\]$/g, '');
  const [ours, theirs] = [isIP(host), isIP(remote)];
  if (ours === 0) return;
  const unspecified = host === '0.0.0.0' || host === '::';
  if (unspecified || (isLoopback(host) && theirs !== 0 && !isLoopback(remote)))
    throw unreachable(advertise, `is no address that the BMC at ${remote} can call`);
  if (theirs !== 0 && ours !== theirs)
    throw unreachable(advertise, `is IPv${ours}, and the BMC at ${remote} has IPv${theirs}`);
}

/** Throws `precondition_failed` when something else, or nothing, answers at `url` with the expected text. */
export async function proveOurs(advertise: string, path: string, expected: string): Promise<void> {
  const url = `${advertise}${path}`;
  // One of our processes may just have ended; another one has its address within a second.
  const again = () => delay(nextTryMs).then(() => wordAt(url));
  const said = await wordAt(url)
    .catch(again)
    .catch(again)
    .catch((cause: unknown) => {
      throw unreachable(advertise, 'does not answer', cause);
    });
  if (said !== expected) throw unreachable(advertise, 'is answered by something else');
}

/** What a listener answers there to tell whose it is. */
export function wordAt(url: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const options = { agent: false as const, timeout: answerWithinMs, signal: AbortSignal.timeout(answerWithinMs) };
  // The answer proves itself by what only we know; BMCs, too, are told no CA.
  const call = url.startsWith('https:')
    ? httpsRequest(url, { ...options, rejectUnauthorized: false })
    : httpRequest(url, options);
  call.on('error', reject);
  call.on('response', response => {
    response.resume();
    resolve(String(response.headers['x-listener'] ?? ''));
  });
  call.end();
  return promise;
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

function unreachable(advertise: string, why: string, cause?: unknown): FleetError {
  return new FleetError({
    code: 'precondition_failed',
    message: `images cannot be fetched from ${advertise}: it ${why}`,
    hint: 'correct sites[].imageListener in groundskeeper.yaml, or the way there',
    cause,
  });
}
