/** Drives: broken, about to break, or worn. */
import { factValue } from '../../core/bmc.ts';
import type { Drive } from '../../core/hardware.ts';
import { judged, type Observation } from '../observation.ts';

/** Life left at which a drive is worn, and at which one that was counts as replaced. */
const percent = { worn: 5, fresh: 7 };

export function observeDrives(drives: Drive[]): Observation[] {
  return drives.flatMap(drive => {
    const { name, uri } = drive;
    const part = { name, uri };
    const health = judged(drive.health);
    const predicted = factValue(drive.predictedFailure);
    const life = factValue(drive.media) === 'hdd' ? undefined : factValue(drive.lifeLeftPercent);
    const found: Observation[] = [];
    if (health !== undefined) {
      // A warning that only repeats the prediction is told once.
      const verdict = health === 'warning' && predicted ? 'held' : health;
      found.push({ kind: 'drive-health', part, verdict, text: `drive ${name} is ${health}` });
    }
    if (predicted !== undefined) {
      const verdict = predicted ? 'warning' : 'good';
      found.push({ kind: 'drive-predicted-failure', part, verdict, text: `drive ${name} expects to fail` });
    }
    if (life !== undefined) {
      const verdict = life <= percent.worn ? 'warning' : life < percent.fresh ? 'held' : 'good';
      found.push({
        kind: 'drive-wear',
        part,
        verdict,
        text: `drive ${name} has ${life} % of its life left`,
        value: life,
      });
    }
    return found;
  });
}
