/** A series over time, drawn with braille dots: two columns and four levels in each character. A gap stays empty, and is marked. */
import type { Plot } from '../../core/document.ts';
import { displayWidth, plainText } from './plain-text.ts';
import type { Paint } from './table.ts';

const rows = 8;
const levels = rows * 4;
const widest = 72;
const narrowest = 16;
const noData = 'no data';
/** The dot of a column and a level within one braille character, from the top. */
const dots = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;

type Range = { low: number; high: number };

/** The drawing with its scale on the left and its times below; a sentence where there is nothing to draw. */
export function plotLines(plot: Plot, columns: number, paint: Paint): string[] {
  const read = plot.points.flatMap(({ low, high }) => (low === null || high === null ? [] : [{ low, high }]));
  if (read.length === 0) return [paint('nothing was read in this time', 'warn')];
  const { bottom, top } = scaleOf(read);
  const labels = [top, (top + bottom) / 2, bottom].map(
    value => `${shown(value, top - bottom)} ${plainText(plot.unit)}`,
  );
  const gaps = read.length < plot.points.length ? [noData] : [];
  const margin = Math.max(...[...labels, ...gaps].map(displayWidth));
  const width = Math.max(narrowest, Math.min(widest, columns - margin - 2));
  const slots = slotsOf(plot, width * 2);
  const level = (value: number) => Math.round(((value - bottom) / (top - bottom)) * (levels - 1));
  const grid = Array.from({ length: rows }, (_, row) => {
    const cells = Array.from({ length: width }, (_, column) =>
      cellOf([slots[column * 2], slots[column * 2 + 1]], row, level),
    );
    const label = { 0: labels[0], [Math.floor(rows / 2)]: labels[1], [rows - 1]: labels[2] }[row] ?? '';
    const axis = paint(`${' '.repeat(margin - displayWidth(label))}${label} ┤`, 'muted');
    return `${axis}${cells.join('')}`.trimEnd();
  });
  return [...grid, gapLine(slots, margin, paint), timeLine(plot, margin, width, paint)].filter(line => line !== '');
}

function cellOf(pair: (Range | undefined)[], row: number, level: (value: number) => number): string {
  let bits = 0;
  for (const [side, range] of pair.entries()) {
    if (range === undefined) continue;
    for (let dot = 0; dot < 4; dot++) {
      const height = levels - 1 - (row * 4 + dot);
      if (height >= level(range.low) && height <= level(range.high)) bits |= dots[side]?.[dot] ?? 0;
    }
  }
  return bits === 0 ? ' ' : String.fromCodePoint(0x2800 + bits);
}

/** The points laid out over the drawing's columns: several in one, or one over several. */
function slotsOf({ points }: Plot, count: number): (Range | undefined)[] {
  return Array.from({ length: count }, (_, slot) => {
    const first = Math.floor((slot * points.length) / count);
    const last = Math.max(first + 1, Math.floor(((slot + 1) * points.length) / count));
    const here = points.slice(first, last).filter(({ low, high }) => low !== null && high !== null);
    if (here.length === 0) return undefined;
    return {
      low: Math.min(...here.map(({ low }) => low ?? 0)),
      high: Math.max(...here.map(({ high }) => high ?? 0)),
    };
  });
}

/** A little air above and below, so that a flat line is seen as one. */
function scaleOf(read: Range[]): { bottom: number; top: number } {
  const low = Math.min(...read.map(each => each.low));
  const high = Math.max(...read.map(each => each.high));
  const air = high === low ? Math.max(1, Math.abs(high) * 0.05) : (high - low) * 0.05;
  return { bottom: low < 0 || low >= air ? low - air : 0, top: high + air };
}

function shown(value: number, span: number): string {
  return value.toFixed(span >= 20 ? 0 : span >= 2 ? 1 : 2);
}

function gapLine(slots: (Range | undefined)[], margin: number, paint: Paint): string {
  if (slots.every(slot => slot !== undefined)) return '';
  const marks = Array.from({ length: slots.length / 2 }, (_, column) =>
    slots[column * 2] === undefined || slots[column * 2 + 1] === undefined ? '×' : ' ',
  ).join('');
  return `${paint(`${noData.padStart(margin)} ┤`, 'muted')}${paint(marks.trimEnd(), 'warn')}`;
}

function timeLine({ points, stepMs }: Plot, margin: number, width: number, paint: Paint): string {
  const from = points[0]?.at ?? '';
  const last = points.at(-1)?.at ?? from;
  const to = new Date(Date.parse(last) + stepMs).toISOString();
  const sameDay = from.slice(0, 10) === to.slice(0, 10);
  const word = (at: string) => (sameDay ? at.slice(11, 16) : at.slice(5, 16).replace('T', ' '));
  const [begin, end] = [word(from), `${word(to)} UTC`];
  const between = ' '.repeat(Math.max(1, width - begin.length - end.length));
  return paint(`${' '.repeat(margin + 2)}${begin}${between}${end}`, 'muted');
}
