/** How readings went over time: what was measured, when, and where nothing was. */

/** One thing that is measured on a node, such as a fan; `name` tells it from the node's others. */
export type Quantity = { name: string; unit: string };

/** What one look at a node's server gave. `missing` says why there is nothing: a gap is kept, and shown as one. */
export type HistorySample =
  | { node: string; at: Date; quantities: Quantity[]; values: (number | null)[] }
  | { node: string; at: Date; missing: string };

/** One stretch of a series, from `at` on; the numbers are null where nothing was read in it. */
export type SeriesPoint = { at: string; low: number | null; mean: number | null; high: number | null };

export type Series = {
  quantity: Quantity;
  /** Milliseconds that one point stands for. */
  stepMs: number;
  /** Oldest first, without holes. */
  points: SeriesPoint[];
  /** What was written for looks that gave nothing, newest first, at most 20. */
  gaps: { at: string; reason: string }[];
};

/** Milliseconds that are kept. */
export type Retention = { samplesMs: number; rollupsMs: number };

export type HistoryStore = {
  /** A second sample of the same node and moment is dropped. */
  add(samples: HistorySample[]): Promise<void>;
  /** What was measured on a node since then, by name. */
  quantities(node: string, since: Date): Promise<Quantity[]>;
  /** Undefined when nothing of that name was ever measured there. `points` at most. */
  series(wanted: { node: string; quantity: string; from: Date; to: Date; points: number }): Promise<Series | undefined>;
  /** Condenses what is complete into ten-minute rows, and drops what is past its time. */
  condense(now: Date, retention: Retention): Promise<void>;
};
