/**
 * Whether drives of a server may be written to. While one is failing, or data is being put together again, another drive that
 * does not come back may take the data with it; and of what cannot be read, nobody knows that it is well. Pure.
 */
import type { Drive, Storage, Volume } from '../core/hardware.ts';

/** Why no drive may be, undefined where all is well: one that fails is a reason not to touch the others either. */
export function storageTrouble({ drives, volumes }: Storage): string | undefined {
  if ('unknown' in drives) return `its drives cannot be read: ${drives.unknown}`;
  if ('unknown' in volumes) return `its volumes cannot be read: ${volumes.unknown}`;
  const troubles = [...drives.value.map(driveTrouble), ...volumes.value.map(volumeTrouble)];
  return troubles.find(trouble => trouble !== undefined);
}

function driveTrouble({ name, health, predictedFailure }: Drive): string | undefined {
  if ('unknown' in health) return `nothing is known of drive ${name}: ${health.unknown}`;
  if (health.value !== 'ok') return `drive ${name} is not well (${health.value})`;
  if ('unknown' in predictedFailure) return `nobody knows whether drive ${name} expects to fail`;
  return predictedFailure.value ? `drive ${name} expects to fail` : undefined;
}

function volumeTrouble({ name, health, busy }: Volume): string | undefined {
  if (busy !== undefined) return `volume ${name} is being worked on`;
  if ('unknown' in health) return `nothing is known of volume ${name}: ${health.unknown}`;
  return health.value === 'ok' ? undefined : `volume ${name} is not whole (${health.value})`;
}
