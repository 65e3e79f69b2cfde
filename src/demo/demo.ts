/**
 * `npm run demo`: a lab, a database and the service, each as real as it gets on
 * one machine, and then either the tour or a prompt. Whatever was started is
 * stopped again, however the demo ends.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FleetError } from '../core/errors.ts';
import { type Child, startChild } from './child.ts';
import type { LabReady } from './lab-part.ts';

export type DemoParts = {
  dir: string;
  lab: LabReady;
  /** A fan of it has stopped and a DIMM is failing; Kubernetes sees nothing of it. */
  sickNode: string;
  /** The service's URL. */
  url: string;
  /** Stops the service alone and leaves its database as it is. */
  stopService(): Promise<void>;
};

export type DemoOptions = {
  speed: number;
  tell(line: string): void;
  stopped: AbortSignal;
  /** Further options of the lab. */
  chosen: string[];
};

const sickNode = 'sea-w-3';

/** Starts the parts, runs `body` unless stopped before, stops the parts. Resolves with undefined when it was stopped. */
export async function withDemo<T>(
  { speed, tell, stopped, chosen }: DemoOptions,
  body: (parts: DemoParts) => Promise<T>,
): Promise<T | undefined> {
  const dir = await mkdtemp(join(tmpdir(), 'groundskeeper-demo-'));
  const children: Child<unknown>[] = [];
  const begun = Date.now();
  const ended = new Promise<undefined>(resolve =>
    stopped.addEventListener('abort', () => resolve(undefined), { once: true }),
  );
  try {
    await mkdir(join(dir, 'lab'));
    tell('Starting the lab: 3 sites, 21 servers with their BMCs, 3 Kubernetes API servers …');
    const lab = await startChild<LabReady>(['lab', '--dir', join(dir, 'lab'), '--speed', String(speed), ...chosen]);
    children.push(lab);
    await setFault(lab.ready, sickNode, { kind: 'fan-failing' });
    await setFault(lab.ready, sickNode, { kind: 'ecc-rising' });
    tell('Starting the service on an embedded Postgres …');
    const service = await startChild<{ url: string }>([
      ...['serve', '--config', lab.ready.config.file],
      ...['--log-level', 'warn'], // what is found shows where somebody asks, not in the prompt
    ]);
    children.push(service);
    tell(
      `Ready after ${((Date.now() - begun) / 1000).toFixed(1)} s. Everything listens on loopback; its files are in ${dir}`,
    );
    if (stopped.aborted) return undefined;
    return await Promise.race([
      ended,
      body({ dir, lab: lab.ready, sickNode, url: service.ready.url, stopService: () => service.stop() }),
    ]);
  } finally {
    for (const child of children.reverse()) await child.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

/** Makes something go wrong in the lab, from outside, as the world does. */
export async function setFault(lab: LabReady, server: string, what: { kind: string }): Promise<void> {
  const response = await fetch(`${lab.controlUrl}/faults`, {
    method: 'POST',
    body: JSON.stringify({ server, fault: what }),
  });
  if (!response.ok)
    throw new FleetError({
      code: 'internal',
      message: `the lab refused the fault ${what.kind} (HTTP ${response.status})`,
    });
}
