/** What one sample shows of one part, before anybody knows whether it lasts. */
import { type Fact, factValue, type HealthLevel } from '../core/bmc.ts';
import type { FindingKind } from '../core/finding.ts';

/** `held` lies between good and bad: it opens nothing and clears nothing. */
export type Verdict = 'good' | 'held' | 'warning' | 'critical';

/** Of a part that was not read there is none. */
export type Observation = {
  kind: FindingKind;
  part: { name: string; uri?: string };
  verdict: Verdict;
  /** What is wrong, one clause; only where something is. */
  text?: string;
  value?: number;
  /** Written by a machine. */
  untrusted?: string;
};

export function isBad(verdict: Verdict): verdict is 'warning' | 'critical' {
  return verdict === 'warning' || verdict === 'critical';
}

const order: Verdict[] = ['good', 'held', 'warning', 'critical'];

export function worse(a: Verdict, b: Verdict): Verdict {
  return order.indexOf(a) >= order.indexOf(b) ? a : b;
}

function verdictOf(health: HealthLevel): Verdict {
  return health === 'ok' ? 'good' : health;
}

/** The judgement that the BMC gives of a part, where it gives one. */
export function judged(health: Fact<HealthLevel>): Verdict | undefined {
  const level = factValue(health);
  return level && verdictOf(level);
}

/** Some BMCs give two parts one name, and the name is all there is: the second is `name #2`. */
export function numbered<T>(parts: T[], nameOf: (part: T) => string): [name: string, part: T][] {
  const seen = new Map<string, number>();
  return parts.map(part => {
    const name = nameOf(part);
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return [times === 1 ? name : `${name} #${times}`, part];
  });
}
