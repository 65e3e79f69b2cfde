/** What the watch over servers keeps between two lives of the process. */
import type { LogEntry } from './bmc.ts';
import type { Finding } from './finding.ts';
import type { Quantity } from './history.ts';

/** Small JSON values by key; whoever writes them knows their form. */
export type StateStore = {
  /** Those of these keys, or all. */
  load(keys?: string[]): Promise<Map<string, unknown>>;
  /** Both or neither: what a state says was taken in is written down with it. */
  save(states: [key: string, state: unknown][], taken?: TakenLogEntry[]): Promise<void>;
};

/** An entry of a server's event log, as it was when it was first seen. */
export type TakenLogEntry = LogEntry & {
  node: string;
  /** URI of the log's entries on the BMC. */
  log: string;
  /** By our clock. */
  takenAt: Date;
};

/** Every entry of the servers' event logs that was seen, once. */
export type LogArchive = {
  /** Taken in within that time; the newest first. */
  list(wanted: { node: string; from: Date; to: Date; limit: number }): Promise<TakenLogEntry[]>;
  forget(before: Date): Promise<void>;
};

/** Every finding that ever opened, each time that it did, as it was when it changed last. */
export type FindingArchive = {
  put(findings: Finding[]): Promise<void>;
  /** Newest first; those of one node, or of all; that stood at some moment after `since`. */
  list(wanted: { node?: string; since: Date; limit: number }): Promise<Finding[]>;
};

/** Whether nodes are cordoned by themselves when their hardware fails, and which are. */
export type CordonStatus =
  | { state: 'off' }
  | { state: 'on'; nodes: string[] }
  /** There were too many within an hour: a person looks first. */
  | { state: 'stopped'; since: string; nodes: string[] };

/** What one look at a server showed, as numbers. */
export type NewestLook = {
  node: string;
  site: string;
  at: Date;
  tookMs: number;
  /** Why it showed nothing; then there are no numbers. */
  missing?: string;
  quantities: Quantity[];
  values: (number | null)[];
  /** Above which the BMC itself warns, by the names of the quantities; of those that have any. */
  limits?: Map<string, UpperLimits>;
};

/** In the unit of the reading. */
export type UpperLimits = { caution?: number; critical?: number };
