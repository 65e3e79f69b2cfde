import { describe, expect, it } from 'vitest';
import type { Plot } from '../../src/core/document.ts';
import { plotLines } from '../../src/surfaces/cli/plot.ts';

const plain = (text: string) => text;
const start = Date.parse('2026-03-01T22:00:00Z');

function plotOf(values: (number | null)[], unit = '°C', stepMs = 60_000): Plot {
  const point = (value: number | null, i: number) => ({
    at: new Date(start + i * stepMs).toISOString(),
    low: value,
    high: value,
  });
  return { unit, stepMs, points: values.map(point) };
}

/** Rows of the drawing from the top, without the axis. */
function drawing(lines: string[]): string[] {
  return lines.slice(0, 8).map(line => line.split('┤')[1] ?? '');
}

describe('a plot', () => {
  it('rises from the lower left to the upper right when the readings do', () => {
    const rows = drawing(plotLines(plotOf(Array.from({ length: 100 }, (_, i) => i)), 60, plain));
    const firstMark = rows.map(row => row.search(/\S/)).filter(at => at >= 0);
    expect(firstMark).toEqual(firstMark.toSorted((a, b) => b - a));
    expect(firstMark.length).toBeGreaterThan(5);
  });

  it('names its scale, its unit, and its times in UTC', () => {
    const lines = plotLines(plotOf([20, 40, 30], '%'), 60, plain);
    expect(lines[0]).toMatch(/^41 % ┤/);
    expect(lines[7]).toMatch(/^19 % ┤/);
    expect(lines.at(-1)).toMatch(/^ +22:00 +22:03 UTC$/);
    expect(plotLines(plotOf([1, 2, 3], 'W', 3_600_000), 60, plain).at(-1)).toMatch(/03-01 22:00 +03-02/);
  });

  it('marks what was not read, and draws nothing there', () => {
    const lines = plotLines(plotOf([...Array(30).fill(20), ...Array(30).fill(null), ...Array(30).fill(20)]), 60, plain);
    const marks = lines.find(line => line.includes('no data'))?.split('┤')[1] ?? '';
    const [from, to] = [marks.indexOf('×'), marks.lastIndexOf('×')];
    expect(to - from).toBeGreaterThan(10);
    for (const row of drawing(lines)) expect(row.slice(from + 1, to).trim()).toBe('');
    expect(plotLines(plotOf([20, 21]), 60, plain).join()).not.toContain('no data');
  });

  it('keeps a single peak among many readings', () => {
    const rows = drawing(plotLines(plotOf(Array.from({ length: 5000 }, (_, i) => (i === 2500 ? 90 : 20))), 80, plain));
    expect(rows[0]?.trim()).not.toBe('');
  });

  it('says so where nothing was read at all, and fits the columns it is given', () => {
    expect(plotLines(plotOf([null, null]), 60, plain)).toEqual(['nothing was read in this time']);
    for (const columns of [40, 60, 100, 200])
      for (const line of plotLines(plotOf([1, 5, 3]), columns, plain)) expect(line.length).toBeLessThanOrEqual(columns);
  });
});
