/**
 * A site that is cut off for an hour, and a BMC that takes half a minute for an
 * answer: the others are looked at at every beat, and what was not read is a
 * gap in the history, never a line between what was read before and after.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { beats, cut, others, playSiteHour, type SiteHour, slow, slowMs } from '../support/site-hour.ts';

const minuteMs = 60_000;
let hour: SiteHour;

beforeAll(async () => {
  hour = await playSiteHour('127.127');
});

const missed = (node: string) => (hour.rows[node] ?? []).filter(({ read }) => !read);
const isInCut = (at: number) => at >= hour.from && at < hour.to;
const series = (node: string) => hour.histories[node]?.series;

/** Of a node, in a scrape: whether its BMC is up, and how many of its sensors are shown. */
function shown(scrape: string[], node: string): { up: string | undefined; sensors: number } {
  const own = scrape.filter(line => line.includes(`node="${node}"`));
  return {
    up: own
      .find(line => /bmc_up\{/.test(line))
      ?.split(' ')
      .at(-1),
    sensors: own.filter(line => line.startsWith('groundskeeper_sensor{')).length,
  };
}

describe('a site that is cut off for an hour', () => {
  it('was cut off for sixty beats, and each of them is told as missed', () => {
    expect(hour.to - hour.from).toBe(beats.cut * minuteMs);
    for (const node of cut.refusing) expect(missed(node)).toHaveLength(beats.cut);
    for (const node of [...cut.refusing, cut.hanging]) {
      expect(missed(node).length).toBeGreaterThan(0);
      expect(missed(node).filter(({ at }) => at < hour.from || at > hour.to + minuteMs)).toEqual([]);
    }
  });

  it('is a gap in the history, and not a line', () => {
    for (const node of cut.refusing) {
      const { points = [], gaps = [], stepMs = 0 } = series(node) ?? {};
      const within = points.filter(({ at }) => {
        const from = Date.parse(at);
        return from > hour.from && from + stepMs < hour.to;
      });
      expect(within.length).toBeGreaterThan(3);
      expect(within.filter(({ low, mean, high }) => low !== null || mean !== null || high !== null)).toEqual([]);
      expect(points.filter(({ mean }) => mean !== null).length).toBeGreaterThan(1);
      expect(gaps.length).toBeGreaterThan(0);
    }
  });

  it('shows no sensor of its servers to Prometheus while it lasts, and all of them after it', () => {
    const of = (scrape: string[], nodes: string[]) => nodes.map(node => shown(scrape, node));
    for (const { up, sensors } of of(hour.scrapes.cut, cut.refusing)) expect([up, sensors]).toEqual(['0', 0]);
    for (const { up, sensors } of [...of(hour.scrapes.cut, others), ...of(hour.scrapes.after, cut.refusing)]) {
      expect(up).toBe('1');
      expect(sensors).toBeGreaterThan(0);
    }
  });

  it('costs one log-in at most for each of its BMCs when it is back', () => {
    for (const node of [...cut.refusing, cut.hanging]) {
      const { since = 9, bad } = hour.logIns[node] ?? {};
      expect([since <= 1, bad]).toEqual([true, 0]);
    }
  });
});

describe('a BMC that takes half a minute for an answer', () => {
  it('took it, and was read all the same', () => {
    expect(hour.slowLookMs).toBeGreaterThanOrEqual(slowMs);
    expect(hour.rows[slow]?.some(({ at, read }) => read && isInCut(at))).toBe(true);
  });
});

it('the others were looked at at every beat meanwhile, and nothing of theirs is missing', () => {
  const all = beats.before + beats.cut + beats.after;
  for (const node of others) {
    const rows = hour.rowsAtEnd[node] ?? [];
    expect(rows.filter(({ read }) => !read)).toEqual([]);
    expect(rows.length).toBeGreaterThanOrEqual(all);
    const pauses = rows.slice(1).map(({ at }, index) => at - (rows[index]?.at ?? 0));
    expect(pauses.filter(pause => pause > minuteMs)).toEqual([]);
  }
});
