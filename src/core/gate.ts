/**
 * A **gate** stands between a change and the next one: what must be seen to
 * hold before a rollout goes on. What is not known does not hold.
 */
import type { Secret } from './secret.ts';

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
  /** The operators' own checks. One that is not configured any more is not known to hold. */
  own: { name: string; after: OwnCheck['after']; site: string }[];
};

export const comparisons = ['==', '!=', '<', '<=', '>', '>='] as const;

/** `$site`, `$cluster` and `$node` stand for the gate's subject. All series of the answer must compare so. */
export type PromqlQuestion = {
  url: string;
  query: string;
  expect: { op: (typeof comparisons)[number]; value: number };
};

/** `json`: names and list indices with dots between them, and what stands there. */
export type HttpsQuestion = {
  url: string;
  expectStatus: number;
  json?: { path: string; equals: string | number | boolean };
};

/** How an own check is asked, as the configuration says it. */
export type OwnCheckSettings = Omit<OwnCheck, 'ask'> & {
  question: { promql: PromqlQuestion } | { https: HttpsQuestion };
  /** PEM of the authority that vouches for the server; those of the system where left out. */
  ca?: string;
  /** IP address to connect to, whatever DNS says of the name. */
  address?: string;
  bearer?: Secret;
};
