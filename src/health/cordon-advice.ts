/**
 * Whether to keep new pods away from a server before it fails. That needs two
 * independent signals, each seen in more than one sample; a BMC that does not
 * answer is never one, and neither is a room that is warm.
 */
import { type Finding, isStanding } from '../core/finding.ts';
import { areIndependent, kindRules, type Source } from './kinds.ts';

/** `id` names what it rests on. */
export type Signal = { source: Source; id: string; text: string };

export type CordonAdvice =
  | { advice: 'cordon'; signals: [Signal, Signal]; reason: string }
  /** What was cordoned for this has been well for long enough. */
  | { advice: 'release'; reason: string }
  /** Cordoned, and not yet to be released. */
  | { advice: 'keep'; reason: string }
  | { advice: 'none'; reason: string };

/** One server at one moment. */
export type HardwareFacts = {
  /** Its own, marked by `folded`, cleared ones included. */
  findings: Finding[];
  /** Alarms of racks and sites. */
  alarms: Finding[];
  /** Pods that crash as hardware makes them crash; see `crashSignal`. */
  pods?: Signal;
  /** When the server was last read. */
  readAt?: Date;
  now: Date;
};

export type CordonFacts = HardwareFacts & {
  /** When it was cordoned on this advice, while it is. */
  cordonedSince?: Date;
  /** Milliseconds without any signal before what was cordoned is released. */
  healthyForMs: number;
  /** Ids of signals that a person answered by taking the cordon back: they ask for none again. */
  declined?: ReadonlySet<string>;
};

/** Milliseconds after which what was seen says nothing of now. */
const freshMs = 15 * 60_000;
/** Samples that show a finding since it opened: one after the one that opened it, however far they are apart. */
const leastSamples = 2;

export function cordonAdvice(facts: CordonFacts): CordonAdvice {
  const { findings, pods, cordonedSince, declined, now } = facts;
  if (cordonedSince !== undefined) return afterwards(facts, cordonedSince);
  if (!isRead(facts)) {
    return { advice: 'none', reason: 'the server is not read at present' };
  }
  const shown = findings.filter(finding => isSignal(finding, facts) && isLasting(finding, now)).map(signalOf);
  const signals = [...shown, ...(pods ? [pods] : [])].filter(({ id }) => !declined?.has(id));
  for (const [index, first] of signals.entries()) {
    const second = signals.slice(index + 1).find(other => areIndependent(first.source, other.source));
    if (second) return { advice: 'cordon', signals: [first, second], reason: `${first.text}; ${second.text}` };
  }
  const [only] = signals;
  return { advice: 'none', reason: only ? `one signal is not enough: ${only.text}` : 'no signal' };
}

/**
 * What is to be said of the hardware on its Node. `doubtful` says neither that it fails nor that it is well: one that is
 * known to a person, one that is only a warning.
 */
export type HardwareVerdict =
  | { verdict: 'failing'; signal: Pick<Signal, 'id' | 'text'> }
  | { verdict: 'doubtful' | 'well' | 'unread' };

export function hardwareVerdict(facts: HardwareFacts): HardwareVerdict {
  if (!isRead(facts)) return { verdict: 'unread' };
  const failing = facts.findings.find(
    each => each.level === 'critical' && isSignal(each, facts) && isLasting(each, facts.now),
  );
  if (failing) return { verdict: 'failing', signal: failing };
  const standing = ofHardware(facts).some(each => isStanding(each) && !isEntry(each));
  return { verdict: facts.pods || standing ? 'doubtful' : 'well' };
}

/** Takes of those advised to be cordoned as many as the budget leaves, in the given order. Zero leaves none. */
export function withinCordonBudget(
  nodes: string[],
  budget: { maxCordoned: number; alreadyCordoned: number },
): string[] {
  const left = budget.maxCordoned - budget.alreadyCordoned;
  return Number.isSafeInteger(left) && budget.alreadyCordoned >= 0 ? nodes.slice(0, Math.max(0, left)) : [];
}

/** What a person has acknowledged is theirs: it asks for no cordon, but it keeps one. */
function afterwards(facts: CordonFacts, cordonedSince: Date): CordonAdvice {
  const { pods, now } = facts;
  if (!isRead(facts)) {
    return { advice: 'keep', reason: 'the server is not read at present' };
  }
  const hardware = ofHardware(facts);
  const standing = hardware.find(each => isStanding(each) && !isEntry(each));
  if (standing) return { advice: 'keep', reason: standing.text };
  if (pods) return { advice: 'keep', reason: pods.text };
  const ends = hardware.map(finding => Date.parse(isEntry(finding) ? newestOf(finding) : endOf(finding)));
  const well = now.getTime() - Math.max(cordonedSince.getTime(), ...ends);
  if (well < facts.healthyForMs) {
    return { advice: 'keep', reason: `well for ${span(well)} of ${span(facts.healthyForMs)}` };
  }
  return { advice: 'release', reason: `no signal for ${span(well)}` };
}

/** An entry of the log is told for a day, and says nothing of now: what counts is when it came. */
function isEntry({ kind }: Finding): boolean {
  return kindRules[kind].source === 'log';
}

function newestOf({ evidence, since }: Finding): string {
  return evidence.at(-1)?.at ?? since;
}

function endOf({ clearedAt, lastSeen }: Finding): string {
  return clearedAt ?? lastSeen;
}

function span(ms: number): string {
  return ms >= 3_600_000 ? `${Math.floor(ms / 3_600_000)} h` : `${Math.floor(ms / 60_000)} min`;
}

function isRead({ readAt, now }: HardwareFacts): boolean {
  return readAt !== undefined && now.getTime() - readAt.getTime() <= freshMs;
}

function ofHardware({ findings }: HardwareFacts): Finding[] {
  return findings.filter(({ kind }) => kindRules[kind].source !== 'none');
}

function isSignal(finding: Finding, { alarms }: HardwareFacts): boolean {
  if (finding.state !== 'open' || finding.foldedUnder !== undefined) return false;
  const { source } = kindRules[finding.kind];
  const warmRoom = alarms.some(
    ({ kind, state, covers }) =>
      kind === 'site-inlet' && state !== 'cleared' && finding.node !== undefined && covers?.includes(finding.node),
  );
  // In a warm room every server is hot: no reason to leave one for another.
  return source !== 'none' && !(warmRoom && source === 'temperature');
}

/** Seen in more than one sample, and lately. */
function isLasting({ samples, lastSeen }: Finding, now: Date): boolean {
  return samples >= leastSamples && now.getTime() - Date.parse(lastSeen) <= freshMs;
}

function signalOf({ kind, id, text }: Finding): Signal {
  return { source: kindRules[kind].source, id, text };
}
