/** An image of a BMC's own firmware, written where the lab's images are, and what the catalogue says of it. */
import { dirname, join } from 'node:path';
import { bmcProfiles, type LabMachine } from '../../src/lab/bmc/profiles/catalog.ts';
import { writeImage } from '../../src/lab/images.ts';
import type { LabDocument } from './rollout.ts';
import type { Stack } from './stack.ts';

export async function bmcImage(
  { lab }: Stack,
  machine: LabMachine,
  version: string,
): Promise<LabDocument['firmware'][number]> {
  const { vendor, model } = bmcProfiles[machine];
  const file = join(dirname(lab.images[0]?.source.file ?? ''), `${machine}-bmc.bin`);
  const header = { vendor, models: [model], component: 'bmc' as const, version };
  return { id: `${machine}-bmc`, ...header, file, sha256: await writeImage(file, header) };
}
