import { describe, expect, it } from 'vitest';
import { known } from '../../src/core/bmc.ts';
import type { Finding } from '../../src/core/finding.ts';
import { findingsOf, type ServerState } from '../../src/health/evaluate.ts';
import { scoreOf } from '../../src/health/score.ts';
import { type AlarmState, alarmsOf, folded, type PlacedServer, siteAlarms } from '../../src/health/site-alarms.ts';
import { atMinute, inlet, type Played, play, silent } from '../support/health-samples.ts';

type Place = { node: string; rack?: string };
/** What one server showed in one minute: the degrees of its inlet, or silence. */
type Minute = (place: Place, minute: number) => number | 'silent';

/** Plays all servers minute by minute, and looks at them together after each. */
function site(places: Place[], minutes: number, of: Minute) {
  const played = new Map<string, Played>();
  let alarms: AlarmState | undefined;
  for (let minute = 0; minute < minutes; minute++) {
    for (const place of places) {
      const seen = of(place, minute);
      const step = seen === 'silent' ? silent : { temperatures: known([inlet(seen)]) };
      const after = played.get(place.node);
      played.set(place.node, play([step], { ...place, ...(after ? { after } : {}) }));
    }
    alarms = siteAlarms(alarms, placed(places, played), atMinute(minute)).state;
  }
  if (!alarms) throw new Error('no minute was played');
  const states = [...played.values()].map(({ state }) => state);
  return { alarms, states, told: told(alarms), findings: folded(states.flatMap(findingsOf), alarmsOf(alarms)) };
}

function placed(places: Place[], played: Map<string, Played>): PlacedServer[] {
  return places.flatMap(place => {
    const state: ServerState | undefined = played.get(place.node)?.state;
    return state ? [{ ...place, site: 'bos', state }] : [];
  });
}

function told(alarms: AlarmState): Pick<Finding, 'kind' | 'level' | 'text'>[] {
  return alarmsOf(alarms)
    .filter(({ state }) => state !== 'cleared')
    .map(({ kind, level, text }) => ({ kind, level, text }));
}

const racked = (rack: string, count: number): Place[] =>
  Array.from({ length: count }, (_, i) => ({ node: `${rack}-${i + 1}`, rack }));
const hall = [...racked('a', 5), ...racked('b', 5), ...racked('c', 5)];

describe('the air of a room', () => {
  it('that is warm in one rack is one alarm, and the findings of its servers are folded under it', () => {
    const warm = site(hall, 12, ({ rack }) => (rack === 'a' ? 39 : 22));
    expect(warm.told).toEqual([
      {
        kind: 'site-inlet',
        level: 'warning',
        text: '5 of 5 servers of rack a in bos take in air that is too warm, up to 39 °C',
      },
    ]);
    const [alarm] = alarmsOf(warm.alarms);
    expect(alarm?.covers).toEqual(['a-1', 'a-2', 'a-3', 'a-4', 'a-5']);
    expect(warm.findings).toHaveLength(5);
    expect(new Set(warm.findings.map(({ foldedUnder }) => foldedUnder))).toEqual(new Set([alarm?.id]));
  });

  it('that is warm in every rack is one alarm of the site', () => {
    const warm = site(hall, 12, () => 45);
    expect(warm.told).toEqual([expect.objectContaining({ kind: 'site-inlet', level: 'critical' })]);
    expect(warm.told[0]?.text).toMatch(/^15 of 15 servers of site bos/);
    expect(warm.findings.every(({ foldedUnder }) => foldedUnder === alarmsOf(warm.alarms)[0]?.id)).toBe(true);
  });

  it('that rises far above what is usual is told before it reaches a limit', () => {
    const rising = site(hall, 30, ({ rack }, minute) => (rack === 'b' ? 22 + Math.min(9, minute) : 22));
    expect(rising.told).toEqual([
      expect.objectContaining({ text: expect.stringContaining('5 of 5 servers of rack b') }),
    ]);
    expect(rising.findings).toEqual([]);
  });

  it('that is warm at one server is the finding of that server', () => {
    const one = site(hall, 12, ({ node }) => (node === 'a-1' ? 45 : 22));
    expect(one.told).toEqual([]);
    expect(one.findings).toEqual([expect.objectContaining({ kind: 'inlet-temperature', node: 'a-1' })]);
    expect(one.findings[0]?.foldedUnder).toBeUndefined();
  });

  it('is not told by two servers, nor while most were not read', () => {
    expect(site(racked('a', 2), 12, () => 45).told).toEqual([]);
    const blind = site(racked('a', 8), 30, ({ node }, minute) => (node < 'a-4' ? 45 : minute === 0 ? 22 : 'silent'));
    expect(blind.told.map(({ kind }) => kind)).not.toContain('site-inlet');
  });

  it('clears the alarm when it is well again', () => {
    const over = site(hall, 40, (_, minute) => (minute < 15 ? 40 : 22));
    expect(over.told).toEqual([]);
    expect(alarmsOf(over.alarms)).toContainEqual(expect.objectContaining({ kind: 'site-inlet', state: 'cleared' }));
    expect(over.findings.every(({ state }) => state === 'cleared')).toBe(true);
  });

  it('is named in the score of a server, and counts for the room', () => {
    const warm = site(hall, 12, () => 45);
    const [state] = warm.states;
    const own = warm.findings.filter(({ node }) => node === 'a-1');
    const score = scoreOf(state, own, atMinute(12));
    expect(score).toMatchObject({ level: 'ok', score: 100, reasons: [expect.stringContaining('Inlet Temp')] });
  });
});

describe('a site', () => {
  it('whose BMCs fall silent together is unreachable, before any server is told as such', () => {
    const lost = site(hall, 6, (_, minute) => (minute === 0 ? 22 : 'silent'));
    expect(lost.told).toEqual([
      { kind: 'site-unreachable', level: 'warning', text: 'site bos is unreachable: 15 of 15 BMCs do not answer' },
    ]);
    expect(lost.findings).toHaveLength(15);
    expect(lost.findings.every(({ foldedUnder }) => foldedUnder !== undefined)).toBe(true);
  });

  it('with a few silent BMCs is not', () => {
    const few = site(hall, 12, ({ rack }) => (rack === 'a' ? 'silent' : 22));
    expect(few.told).toEqual([]);
    expect(few.findings.filter(({ kind }) => kind === 'bmc-unreachable')).toHaveLength(5);
  });

  it('keeps its alarms as JSON', () => {
    const { alarms } = site(hall, 12, () => 45);
    expect(JSON.parse(JSON.stringify(alarms))).toEqual(alarms);
  });
});
