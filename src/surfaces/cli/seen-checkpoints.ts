/**
 * The newest checkpoint that this user has verified, kept on this user's
 * machine: a log that is rewritten or cut later contradicts it, even when its
 * owner signs it anew.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { FleetError } from '../../core/errors.ts';
import { writePrivate } from './token-store.ts';

const seenCheckpoint = z.object({ verifierKey: z.string(), note: z.string(), at: z.string() });
const seenFile = z.object({ version: z.literal(1), seen: z.record(z.string(), seenCheckpoint) });

export type SeenCheckpoint = z.infer<typeof seenCheckpoint>;

/** What was remembered of the service at `origin`. Throws invalid_config when the file is damaged. */
export async function recallCheckpoint(configDir: string, origin: string): Promise<SeenCheckpoint | undefined> {
  return (await readSeen(configDir))[origin];
}

/** Remembers a checkpoint, or forgets it. */
export async function keepCheckpoint(
  configDir: string,
  origin: string,
  seen: SeenCheckpoint | undefined,
): Promise<void> {
  const all = await readSeen(configDir);
  if (seen) all[origin] = seen;
  else delete all[origin];
  await writePrivate(fileIn(configDir), `${JSON.stringify({ version: 1, seen: all }, null, 2)}\n`);
}

async function readSeen(configDir: string): Promise<Record<string, SeenCheckpoint>> {
  const file = fileIn(configDir);
  try {
    return seenFile.parse(JSON.parse(await readFile(file, 'utf8'))).seen;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return {};
    // Silently starting anew would forget exactly what the file is for.
    throw new FleetError({
      code: 'invalid_config',
      message: `${file} cannot be read as a list of checkpoints`,
      hint: 'restore it, or delete it knowing that earlier verifications are forgotten',
      cause,
    });
  }
}

function fileIn(configDir: string): string {
  return join(configDir, 'checkpoints.json');
}
