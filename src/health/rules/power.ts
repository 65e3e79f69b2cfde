/** Power supplies, and whether one more may be lost. */
import type { PowerSupply } from '../../core/hardware.ts';
import { judged, type Observation } from '../observation.ts';

export function observePower(supplies: PowerSupply[]): Observation[] {
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
  return [...each, ...redundancy(supplies.length, judgedOnes)];
}

/** Of several, one is left. Supplies that were not read may be well or not: then there is no telling. */
function redundancy(listed: number, judgedOnes: { verdict: Observation['verdict'] }[]): Observation[] {
  const working = judgedOnes.filter(({ verdict }) => verdict !== 'critical').length;
  const unread = listed - judgedOnes.length;
  const spare = working >= 2;
  if (listed < 2 || (!spare && unread > 0)) return [];
  const text = `${working} of ${listed} power supplies work: none to spare`;
  return [
    { kind: 'power-redundancy', part: { name: 'power' }, verdict: spare ? 'good' : 'warning', text, value: working },
  ];
}
