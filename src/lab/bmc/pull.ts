/**
 * The BMC fetches its image itself, from its own address, and keeps trying
 * when nobody answers: a caller that goes away and comes back finds the same
 * task still at it.
 */
import { get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';
import type { LabClock } from '../clock.ts';

export type PullRequest = { uri: string; localAddress: string; userAgent: string; clock: LabClock };
export type Pulled = { outcome: 'image'; bytes: Buffer } | { outcome: 'failed'; reason: string };

const patienceMs = 300_000;
const leastPatienceMs = 20_000;
const sizeLimit = 64 * 1024 * 1024;

type Attempt = Pulled | { outcome: 'unreachable'; reason: string };

/** Pulls once it can connect, for up to 5 real minutes but at least 20 s of wall time; an answer other than 200 is final. */
export async function pullImage(request: PullRequest): Promise<Pulled> {
  const { clock } = request;
  const deadline = Date.now() + Math.max(clock.scaled(patienceMs), leastPatienceMs);
  const pauseMs = Math.max(5_000, 200 * clock.speed);
  for (;;) {
    const attempt = await pullOnce(request);
    if (attempt.outcome !== 'unreachable') return attempt;
    if (Date.now() >= deadline || !(await clock.sleep(pauseMs))) return { outcome: 'failed', reason: attempt.reason };
  }
}

/** One attempt; `unreachable` when no answer came. */
export function pullOnce(request: PullRequest): Promise<Attempt> {
  const { uri, localAddress, userAgent, clock } = request;
  const { promise, resolve } = Promise.withResolvers<Attempt>();
  const unreachable = () => resolve({ outcome: 'unreachable', reason: 'The image server cannot be reached.' });
  const options = {
    localAddress,
    agent: false as const,
    headers: { 'User-Agent': userAgent },
    signal: clock.signal,
    timeout: 10_000,
    // BMCs do not verify the image server unless told to; the digest in the plan is what protects the image.
    rejectUnauthorized: false,
  };
  const call = uri.startsWith('https:') ? httpsGet(uri, options) : httpGet(uri, options);
  call.on('timeout', () => call.destroy());
  call.on('error', unreachable);
  call.on('response', response => {
    if (response.statusCode !== 200) {
      response.resume();
      resolve({ outcome: 'failed', reason: `The image server answered ${response.statusCode}.` });
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > sizeLimit) {
        resolve({ outcome: 'failed', reason: 'The image is too large.' });
        call.destroy();
      }
    });
    response.on('end', () => resolve({ outcome: 'image', bytes: Buffer.concat(chunks) }));
    response.on('error', unreachable);
    response.on('close', unreachable);
  });
  return promise;
}
