/** A person has seen a finding. */
import { type Finding, isStanding } from '../core/finding.ts';
import type { ServerState } from './evaluate.ts';
import { kindRules } from './kinds.ts';
import type { Track } from './track.ts';

/** After this long without a reading of its part, the word of a person ends a finding. */
const unreadMs = 24 * 3_600_000;

/**
 * The finding is known and stays until its part is well again; one that is
 * latched, or whose part has not been read for a day, ends here. Undefined when
 * no finding of that id stands.
 */
export function acknowledged<S extends Pick<ServerState, 'tracks'>>(
  state: S,
  id: string,
  who: { by: string; at: Date },
): { state: S; finding: Finding } | undefined {
  const found = Object.entries(state.tracks).find(([, { finding }]) => finding?.id === id && isStanding(finding));
  if (!found) return undefined;
  const [key, track] = found;
  const finding = answered(track, who);
  if (!finding) return undefined;
  // What follows is a new story: earlier openings do not latch it again.
  const tracks = { ...state.tracks, [key]: { ...track, openings: [], finding } };
  return { state: { ...state, tracks }, finding };
}

function answered({ finding, recent }: Track, { by, at }: { by: string; at: Date }): Finding | undefined {
  if (!finding) return undefined;
  const time = at.toISOString();
  const known = { ...finding, latched: false, acknowledged: { by, at: time } };
  const well = recent.endsWith('o'.repeat(kindRules[finding.kind].clear));
  const unread = at.getTime() - Date.parse(finding.lastRead) >= unreadMs;
  return well || unread ? { ...known, state: 'cleared', clearedAt: time } : { ...known, state: 'acknowledged' };
}
