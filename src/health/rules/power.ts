/** Power supplies, and whether one more may be lost. */
import type { PowerSupply, RedundancyGroup } from '../../core/hardware.ts';
import { isBad, judged, type Observation } from '../observation.ts';

/** `groups` are those of the supplies. */
export function observePower(supplies: PowerSupply[], groups: RedundancyGroup[]): Observation[] {
  const judgedOnes = supplies.flatMap(({ name, uri, health }) => {
    const verdict = judged(health);
    return verdict === undefined ? [] : [{ name, uri, verdict }];
  });
  const each = judgedOnes.map(
    ({ name, uri, verdict }): Observation => ({
      kind: 'power-supply',
      part: { name, uri },
      verdict,
      text: `power supply ${name} is ${verdict}`,
    }),
  );
  return [...each, ...redundancy(supplies.length, judgedOnes, groups)];
}

/**
 * Of several, one is left; or the BMC itself says so, which knows of a feed that is lost while all supplies are well. Supplies
 * that were not read may be well or not: then there is no telling.
 */
function redundancy(
  listed: number,
  judgedOnes: { verdict: Observation['verdict'] }[],
  groups: RedundancyGroup[],
): Observation[] {
  const told = groups.flatMap(({ name, health }) => {
    const verdict = judged(health);
    return verdict === undefined ? [] : [{ name, bad: isBad(verdict) }];
  });
  const lost = told.find(({ bad }) => bad);
  const working = judgedOnes.filter(({ verdict }) => verdict !== 'critical').length;
  const unread = listed - judgedOnes.length;
  const counts = listed >= 2 && (working >= 2 || unread === 0);
  if (!counts && told.length === 0) return [];
  const observed = { kind: 'power-redundancy', part: { name: 'power' } } as const;
  if (counts && working < 2)
    return [
      {
        ...observed,
        verdict: 'warning',
        text: `${working} of ${listed} power supplies work: none to spare`,
        value: working,
      },
    ];
  if (lost)
    return [
      { ...observed, verdict: 'warning', text: 'the BMC says that the power is not redundant', untrusted: lost.name },
    ];
  return [{ ...observed, verdict: 'good', ...(counts ? { value: working } : {}) }];
}
