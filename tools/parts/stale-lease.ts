/** What the old lease of a Ready node says: a kubelet that fell silent just now, or a clock that is off. */
import { durationText } from './age.ts';

/** The control plane calls a node that renews nothing Unknown within a minute, by its own clock. */
const noticedSeconds = 300;

/** A clause about the node; `age` in seconds, or the words that say why there is none. */
export function staleLease(age: number | string): { level: 'warning' | 'critical'; text: string } {
  if (typeof age !== 'number') return { level: 'critical', text: 'its lease is missing: its kubelet is silent' };
  const old = durationText(age);
  if (age <= noticedSeconds) return { level: 'critical', text: `its lease is ${old} old: its kubelet is silent` };
  return {
    level: 'warning',
    text: `its lease looks ${old} old: its clock is behind, or nothing in the control plane notices silent nodes`,
  };
}
