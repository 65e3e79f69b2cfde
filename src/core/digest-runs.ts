/** Which digests were due, and what became of each: one row for a moment, so that two processes never tell the same twice. */

import type { Block } from './document.ts';
import type { Caller } from './tool.ts';

export type DigestRun = {
  /** RFC 3339; when it was due. */
  due: string;
  /** `unchanged`: there was nothing new to tell. `claimed`: it began, and nobody knows how it ended. */
  state: 'claimed' | 'sent' | 'unchanged' | 'failed';
  /** Of what it told. */
  fingerprint?: string;
};

export type DigestRuns = {
  /** The newest one of this name; undefined before the first. */
  newest(name: string): Promise<DigestRun | undefined>;
  /** The fingerprint of what was told last. */
  lastTold(name: string): Promise<{ due: string; fingerprint: string } | undefined>;
  /** False where it was claimed already. */
  claim(name: string, due: string): Promise<boolean>;
  end(name: string, run: DigestRun): Promise<void>;
};

/** A digest, when it comes next, and what became of the last one. */
export type DigestStatus = { name: string; cron: string; timeZone: string; next: string; last?: DigestRun };

export type Digests = {
  list(): Promise<DigestStatus[]>;
  /**
   * The digest as it would be told now, whatever was told before, read in the name of the caller; of the whole fleet where none is
   * named. Throws not_found.
   */
  now(caller: Caller, name?: string): Promise<Block[]>;
  /** Makes what is due, but what is on its way already. Ends when all of it has arrived, or with the signal. */
  round(at: Date, signal: AbortSignal): Promise<void>;
};
