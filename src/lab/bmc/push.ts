/** Sends one event to one subscriber, and tries again a few times when nobody takes it. */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LabClock } from '../clock.ts';

export type PushRequest = {
  destination: string;
  headers: Record<string, string>;
  body: string;
  /** Address of the BMC, which it sends from. */
  localAddress: string;
  clock: LabClock;
  attempts: number;
  /** Real milliseconds between two attempts. */
  pauseMs: number;
  /** Whether somebody still wants it. */
  wanted(): boolean;
};

/** False when no attempt was answered with 2xx. */
export async function push(request: PushRequest): Promise<boolean> {
  const { clock, attempts, pauseMs, wanted } = request;
  for (let attempt = 1; attempt <= attempts && wanted(); attempt++) {
    if (await pushOnce(request)) return true;
    if (attempt < attempts && !(await clock.sleep(pauseMs))) return false;
  }
  return false;
}

function pushOnce({ destination, headers, body, localAddress, clock }: PushRequest): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const options = {
    method: 'POST',
    localAddress,
    agent: false as const,
    headers: { 'Content-Type': 'application/json', ...headers },
    signal: clock.signal,
    timeout: 10_000,
    rejectUnauthorized: false,
  };
  const call = destination.startsWith('https:')
    ? httpsRequest(destination, options)
    : httpRequest(destination, options);
  call.on('timeout', () => call.destroy());
  call.on('error', () => resolve(false));
  call.on('response', response => {
    response.resume();
    resolve(response.statusCode !== undefined && response.statusCode >= 200 && response.statusCode < 300);
  });
  call.end(body);
  return promise;
}
