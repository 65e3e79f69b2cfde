/**
 * What a tool's answer looks like to people, without saying on which surface:
 * a terminal renders it with columns and colour, a chat as blocks, a model as
 * plain text. Every block is data; `untrusted` marks text that a machine or a
 * stranger wrote, `foreign` a name or a sentence of theirs among words of ours,
 * and surfaces strip control characters from all of it.
 */
export type Tone = 'good' | 'warn' | 'bad' | 'muted' | 'plain';

export type Cell = string | { text: string; tone: Tone; foreign?: true };

/** How much of a whole: `share` is 1 when all of it is taken, and more when more than that was promised. */
export type Bar = { name: string; share: number; text: string; tone?: Tone; foreign?: true };

/** A series in equal steps, oldest first; null is a stretch in which nothing was read. `timeZone`: of the place, IANA name. */
export type Plot = {
  unit: string;
  stepMs: number;
  points: { at: string; low: number | null; mean?: number | null; high: number | null }[];
  limits?: { name: string; at: number }[];
  timeZone?: string;
};

export type Block =
  | { heading: string; foreign?: true }
  | { text: string; tone?: Tone; foreign?: true }
  | { facts: [name: string, value: Cell][] }
  | { table: { columns: string[]; rows: Cell[][] } }
  | { list: Cell[]; title?: string }
  | { bars: Bar[]; title?: string }
  | { plot: Plot; title?: string }
  | { untrusted: string[]; source: string };

export function toned(text: string, tone: Tone): Cell {
  return { text, tone };
}

/** With words in it that a machine or a stranger chose: people read it as ever, and no value of a change comes from it. */
export function foreign(cell: Cell): Cell {
  return { ...(typeof cell === 'string' ? { text: cell, tone: 'plain' as const } : cell), foreign: true };
}

const healthTones: Record<string, Tone> = { ok: 'good', warning: 'warn', critical: 'bad', unknown: 'warn' };

/** A health word in its colour; unknown is never green. */
export function healthCell(level: string): Cell {
  return toned(level, healthTones[level] ?? 'plain');
}
