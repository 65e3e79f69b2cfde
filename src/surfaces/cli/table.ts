/** Columns for a terminal: cells wrap inside their column, and a table too wide for that is told row by row. */
import type { Tone } from '../../core/document.ts';
import { displayWidth, wrapLine } from './plain-text.ts';

/** A cell whose text is harmless already. */
export type TableCell = { text: string; tone: Tone };
export type Paint = (text: string, tone: Tone) => string;

const gap = '  ';
/** Words up to this long, such as ids, stay whole, so that they can be copied; a digest may be broken. */
const wholeWord = 24;

/** Lines of the table, none wider than `width` columns where that is possible at all. */
export function tableLines(
  { columns, rows }: { columns: string[]; rows: TableCell[][] },
  width: number,
  paint: Paint,
): string[] {
  const header = columns.map((text): TableCell => ({ text, tone: 'muted' }));
  const widths = columnWidths([header, ...rows], width);
  if (!widths)
    return rows.flatMap((row, index) => [...(index > 0 ? [''] : []), ...recordLines(columns, row, width, paint)]);
  const lines = (row: TableCell[]) => rowLines(row, widths, paint);
  return [...(columns.some(text => text !== '') ? lines(header) : []), ...rows.flatMap(lines)];
}

/** Natural widths, the widest taken in until the row fits, but no further than whole words allow; undefined when it cannot fit. */
function columnWidths(rows: TableCell[][], width: number): number[] | undefined {
  const count = Math.max(...rows.map(row => row.length));
  const texts = Array.from({ length: count }, (_, column) => rows.map(row => row[column]?.text ?? ''));
  const widths = texts.map(column => Math.max(1, ...column.map(displayWidth)));
  let excess = widths.reduce((sum, each) => sum + each, gap.length * (count - 1)) - width;
  if (excess <= 0) return widths;
  const least = texts.map(column =>
    Math.min(wholeWord, Math.max(1, ...column.flatMap(text => text.split(' ')).map(displayWidth))),
  );
  while (excess > 0) {
    const room = widths.map((each, column) => (each > (least[column] ?? 0) ? each : 0));
    const widest = Math.max(...room);
    if (widest === 0) return undefined;
    widths[room.indexOf(widest)] = widest - 1;
    excess--;
  }
  return widths;
}

function rowLines(row: TableCell[], widths: number[], paint: Paint): string[] {
  const wrapped = widths.map((width, column) => wrapLine(row[column]?.text ?? '', width));
  const height = Math.max(...wrapped.map(lines => lines.length));
  return Array.from({ length: height }, (_, line) =>
    widths
      .map((width, column) => {
        const text = wrapped[column]?.[line] ?? '';
        const padding = ' '.repeat(Math.max(0, width - displayWidth(text)));
        return `${text === '' ? '' : paint(text, row[column]?.tone ?? 'plain')}${padding}`;
      })
      .join(gap)
      .trimEnd(),
  );
}

/** One row as `column: value` lines. */
function recordLines(columns: string[], row: TableCell[], width: number, paint: Paint): string[] {
  return row.flatMap(({ text, tone }, column) => {
    if (text === '') return [];
    const name = columns[column] ? `${columns[column]}: ` : '';
    const indent = '  ';
    const [first = '', ...rest] = wrapLine(`${name}${text}`, Math.max(wholeWord, width - indent.length));
    const value = first.startsWith(name)
      ? paint(name, 'muted') + paint(first.slice(name.length), tone)
      : paint(first, tone);
    return [column === 0 ? value : indent + value, ...rest.map(line => indent + paint(line, tone))];
  });
}
