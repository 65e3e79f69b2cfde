/**
 * A **gate** stands between a change and the next one: what must be seen to
 * hold before a rollout goes on. What is not known does not hold.
 */

/** `waits`: does not hold yet, or is not known. `failed`: waiting cannot mend it. */
export type GateVerdict = { gate: string; state: 'passed' | 'waits' | 'failed' /** With figures. */; saw: string };

/** What a gate is about: names of the fleet, which hold nothing but a-z, 0-9, - and dots. */
export type GateSubject = { site: string; cluster: string /** Of a gate after one node. */; node?: string };

/** A check of the operators' own, such as that their storage has healed. */
export type OwnCheck = {
  name: string;
  after: 'node' | 'wave';
  /** Sites that it is asked for; all where left out. */
  sites?: string[];
  /** Milliseconds for which it must hold without a break. */
  forMs: number;
  /** Milliseconds after which it halts the rollout when it has not held. */
  timeoutMs: number;
  /** Never throws: what cannot be read is `waits`. */
  ask(subject: GateSubject): Promise<Omit<GateVerdict, 'gate'>>;
};

/** Which gates a plan was approved with. */
export type PlanGates = {
  /** Whether what the watch over servers finds is asked; not where nothing is watched. */
  hardware: boolean;
  /** Names of the operators' own checks. One that is not configured any more is not known to hold. */
  afterNode: string[];
  afterWave: string[];
};
