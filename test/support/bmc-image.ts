/** Images of the tests' own, written where the lab's images are, and what the catalogue says of them. */
import { dirname, join } from 'node:path';
import type { Component } from '../../src/core/bmc.ts';
import { bmcProfiles, type LabMachine } from '../../src/lab/bmc/profiles/catalog.ts';
import { writeImage } from '../../src/lab/images.ts';
import type { LabDocument } from './rollout.ts';
import type { Stack } from './stack.ts';

type Catalogued = LabDocument['firmware'][number];

/** Of a BMC's own firmware. */
export function bmcImage(stack: Stack, machine: LabMachine, version: string): Promise<Catalogued> {
  return catalogued(stack, machine, { id: `${machine}-bmc`, component: 'bmc', version });
}

export async function catalogued(
  { lab }: Stack,
  machine: LabMachine,
  { id, component, version, drives }: { id: string; component: Component; version: string; drives?: string[] },
): Promise<Catalogued> {
  const { vendor, model } = bmcProfiles[machine];
  const file = join(dirname(lab.images[0]?.source.file ?? ''), `${id}.bin`);
  const header = { vendor, models: [model], component, version, ...(drives ? { drives } : {}) };
  return { id, ...header, file, sha256: await writeImage(file, header) };
}
