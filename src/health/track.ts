/**
 * Follows one part through its samples. Opening takes some bad ones, clearing
 * some good ones in a row, and what comes and goes latches. A track is JSON and
 * is dropped as soon as it has nothing to remember.
 */
import { sha256 } from '../core/canonical.ts';
import type { Evidence, Finding, FindingLevel, FindingSubject } from '../core/finding.ts';
import { isStanding } from '../core/finding.ts';
import { type KindRule, kindRules } from './kinds.ts';
import { isBad, type Observation, type Verdict } from './observation.ts';

export type Track = {
  /** Verdicts of the newest samples that were read, oldest first, one letter each. */
  recent: string;
  /** Milliseconds since 1970 of the newest. */
  at: number;
  /** When the finding opened lately, milliseconds since 1970. */
  openings: number[];
  finding?: Finding;
};

const letters: Record<Verdict, string> = { good: 'o', held: 'h', warning: 'w', critical: 'c' };
/** Samples further apart than this do not add up. */
const memoryMs = 3_600_000;
/** A finding that opens so often within this time stays open until somebody acknowledges it. */
const flapping = { times: 3, withinMs: 24 * 3_600_000 };
/** A cleared finding is remembered this long. */
const keepClearedMs = 24 * 3_600_000;
const evidenceKept = { first: 3, newest: 3 };

export function followed(
  track: Track | undefined,
  seen: Observation,
  about: { subject: FindingSubject; at: Date },
): Track {
  const rule = kindRules[seen.kind];
  const now = about.at.getTime();
  const earlier = track && now - track.at <= memoryMs ? track.recent : '';
  const recent = (earlier + letters[seen.verdict]).slice(-Math.max(rule.raise.of, rule.clear));
  const openings = (track?.openings ?? []).filter(opened => now - opened < flapping.withinMs);
  const next: Track = { recent, at: now, openings, ...(track?.finding ? { finding: track.finding } : {}) };
  const level = raisedLevel(recent, rule);
  if (track?.finding && isStanding(track.finding)) {
    return { ...next, finding: continued(track.finding, seen, { at: about.at, recent, rule, level }) };
  }
  if (level === undefined || !isBad(seen.verdict)) return next;
  const finding = opened(seen, { ...about, level, latched: openings.length + 1 >= flapping.times });
  return { ...next, openings: [...openings, now], finding };
}

/** Nothing bad lately, nothing open, nothing that just closed. */
export function isForgettable({ recent, openings, finding }: Track, at: Date): boolean {
  if (/[wc]/.test(recent)) return false;
  if (finding === undefined) return openings.length === 0;
  return !isStanding(finding) && at.getTime() - Date.parse(finding.clearedAt ?? finding.lastSeen) > keepClearedMs;
}

function findingId(subject: FindingSubject, kind: string, part: Finding['part']): string {
  const whose = subject.node ?? `${subject.site}/${subject.rack ?? ''}`;
  const key = [subject.node === undefined ? 'site' : 'node', whose, kind, part.uri ?? part.name];
  return `fnd-${sha256(Buffer.from(JSON.stringify(key), 'utf8'))
    .toString('hex')
    .slice(0, 12)}`;
}

function raisedLevel(recent: string, { raise }: KindRule): FindingLevel | undefined {
  const window = recent.slice(-raise.of);
  const critical = window.split('c').length - 1;
  const warning = window.split('w').length - 1;
  if (critical >= raise.bad) return 'critical';
  return critical + warning >= raise.bad ? 'warning' : undefined;
}

function opened(
  seen: Observation,
  about: { subject: FindingSubject; at: Date; level: FindingLevel; latched: boolean },
): Finding {
  const { subject, level, latched } = about;
  const at = about.at.toISOString();
  return {
    ...subject,
    id: findingId(subject, seen.kind, seen.part),
    kind: seen.kind,
    level,
    part: seen.part,
    text: textOf(seen),
    state: 'open',
    latched,
    since: at,
    lastSeen: at,
    lastRead: at,
    samples: 1,
    evidence: [evidenceOf(seen, at)],
  };
}

function continued(
  finding: Finding,
  seen: Observation,
  now: { at: Date; recent: string; rule: KindRule; level: FindingLevel | undefined },
): Finding {
  const at = now.at.toISOString();
  if (isBad(seen.verdict)) {
    const level = levelOf(finding, now);
    const escalated = finding.level === 'warning' && level === 'critical';
    return {
      ...finding,
      level,
      text: textOf(seen),
      // Who acknowledged a warning has not seen the critical one.
      state: escalated ? 'open' : finding.state,
      lastSeen: at,
      lastRead: at,
      samples: finding.samples + 1,
      evidence: extended(finding.evidence, evidenceOf(seen, at)),
    };
  }
  const level = seen.verdict === 'held' ? levelOf(finding, now) : finding.level;
  const read: Finding = { ...finding, level, lastRead: at };
  return !finding.latched && isOver(finding, now) ? { ...read, state: 'cleared', clearedAt: at } : read;
}

function levelOf(
  finding: Finding,
  { recent, rule, level }: { recent: string; rule: KindRule; level: FindingLevel | undefined },
): FindingLevel {
  if (level === 'critical') return 'critical';
  const newest = recent.slice(-rule.clear);
  return newest.length === rule.clear && !newest.includes('c') ? 'warning' : finding.level;
}

function isOver(finding: Finding, { at, recent, rule }: { at: Date; recent: string; rule: KindRule }): boolean {
  const good = recent.endsWith('o'.repeat(rule.clear));
  return good && at.getTime() - Date.parse(finding.lastSeen) >= (rule.quietMs ?? 0);
}

function textOf({ text, part }: Observation): string {
  return text ?? `${part.name} is not well`;
}

function evidenceOf(seen: Observation, at: string): Evidence {
  return {
    at,
    text: textOf(seen),
    ...(seen.value === undefined ? {} : { value: seen.value }),
    ...(seen.untrusted === undefined ? {} : { untrusted: seen.untrusted }),
  };
}

function extended(evidence: Evidence[], newest: Evidence): Evidence[] {
  const { first, newest: last } = evidenceKept;
  if (evidence.at(-1)?.text === newest.text && evidence.at(-1)?.untrusted === newest.untrusted) return evidence;
  const all = [...evidence, newest];
  return all.length <= first + last ? all : [...all.slice(0, first), ...all.slice(-last)];
}
