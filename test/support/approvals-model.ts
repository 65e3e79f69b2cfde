/**
 * What the guard should make of asking, voting, taking back and emergencies,
 * written down apart from it and as simply as possible: no database, no
 * transactions, one act after the other. Minutes are its only clock.
 */
export type Rule = { name: string; approvals: number; from: string[]; distinct: boolean; page: boolean };

/** Who may ask whom for what; a test gives every run names of its own. */
export type Act =
  | { act: 'ask'; plan: number; who: string }
  | { act: 'vote'; plan: number; who: string; channel: 'cli' | 'page' | 'mcp'; cast: 'approve' | 'reject' }
  | { act: 'revoke' | 'break-glass'; plan: number; who: string };

export type Request = {
  requester: string;
  asked: Rule;
  state: 'pending' | 'approved' | 'rejected' | 'expired' | 'revoked';
  votes: { who: string; channel: string; at: number }[];
  expiresAt: number;
  glassBy?: string;
  operation?: { startedAt: number; until: number; stopped: boolean };
  /** Its custody entries that changed something, in order. */
  log: string[];
};

export type Model = {
  now: number;
  /** `undefined` forbids everything. */
  rule: Rule | undefined;
  groups: Record<string, string[]>;
  authors: string[];
  requests: Record<number, Request>;
};

export const minutes = { voteLife: 60, planLife: 90, execute: 180, glass: 15 };
export const mostPending = 2;
export const glassGroup = 'firefighters';

/** The model after this act. Refused acts change nothing. */
export function after(model: Model, act: Act): Model {
  const next = expired(structuredClone(model));
  const { now, rule, groups } = next;
  const in_ = (who: string, group: string) => groups[who]?.includes(group) ?? false;
  const request = next.requests[act.plan];
  switch (act.act) {
    case 'ask': {
      if (request || now >= minutes.planLife || !rule || !in_(act.who, 'operators')) return next;
      const waiting = Object.values(next.requests).filter(r => r.requester === act.who && r.state === 'pending');
      if (waiting.length >= mostPending) return next;
      const expiresAt = Math.min(now + minutes.voteLife, minutes.planLife);
      const log = [`pending by ${act.who}`];
      next.requests[act.plan] = { requester: act.who, asked: rule, state: 'pending', votes: [], expiresAt, log };
      return next;
    }
    case 'vote': {
      const { who, channel, cast } = act;
      if (request?.state !== 'pending' || channel === 'mcp') return next;
      if (who === request.requester || who === next.authors[act.plan]) return next;
      if (!request.asked.from.some(group => in_(who, group))) return next;
      if (cast === 'approve' && request.asked.page && channel !== 'page') return next;
      if (request.votes.some(vote => vote.who === who)) return next;
      if (cast === 'approve' && !askable(next, request)) return next;
      request.votes.push({ who, channel, at: now });
      request.log.push(`${cast} by ${who}`);
      if (cast === 'reject') end(request, 'rejected', who);
      else if (satisfied(next, act.plan, now)) begin(next, request, who, minutes.execute);
      return next;
    }
    case 'revoke': {
      const { who } = act;
      const began = request && (who === request.requester || who === request.glassBy);
      if (!request || (request.state !== 'pending' && request.state !== 'approved')) return next;
      if (!began && !request.votes.some(vote => vote.who === who)) return next;
      if (request.state === 'pending' && !began) {
        request.votes = request.votes.filter(vote => vote.who !== who);
        request.log.push(`revoke by ${who}`);
        return next;
      }
      if (request.operation) request.operation.stopped = true;
      end(request, 'revoked', who);
      return next;
    }
    case 'break-glass': {
      if (request?.state !== 'pending' || !in_(act.who, glassGroup) || !askable(next, request)) return next;
      request.glassBy = act.who;
      begin(next, request, act.who, minutes.glass);
      return next;
    }
  }
}

/** Whether a step that does not settle may begin now under this plan's operation. */
export function mayBegin(model: Model, plan: number): boolean {
  const request = model.requests[plan];
  if (request?.state !== 'approved' || !request.operation || request.operation.stopped) return false;
  const { startedAt, until } = request.operation;
  return model.now < until && askable(model, request) && satisfied(model, plan, startedAt);
}

export function expired(model: Model): Model {
  for (const request of Object.values(model.requests))
    if (request.state === 'pending' && request.expiresAt <= model.now) end(request, 'expired', 'groundskeeper');
  return model;
}

function askable({ rule, groups }: Model, { requester }: Request): boolean {
  return rule !== undefined && (groups[requester]?.includes('operators') ?? false);
}

/** By the rule and the groups of now. Every way of letting voters stand for groups is tried. */
function satisfied({ rule, groups, authors, requests }: Model, plan: number, asOf: number): boolean {
  const request = requests[plan];
  if (!rule || !request) return false;
  if (request.glassBy !== undefined && groups[request.glassBy]?.includes(glassGroup)) return true;
  const standing = request.votes
    .filter(({ who, channel, at }) => {
      if (who === request.requester || who === authors[plan]) return false;
      return asOf - at <= minutes.voteLife && (!rule.page || channel === 'page');
    })
    .map(({ who }) => rule.from.filter(group => groups[who]?.includes(group)))
    .filter(own => own.length > 0);
  if (standing.length < rule.approvals) return false;
  return !rule.distinct || cover(standing) >= rule.from.length;
}

function cover([first, ...rest]: string[][], taken: string[] = []): number {
  if (!first) return new Set(taken).size;
  return Math.max(...first.map(group => cover(rest, [...taken, group])));
}

function begin({ now }: Model, request: Request, who: string, forMinutes: number): void {
  request.operation = { startedAt: now, until: now + forMinutes, stopped: false };
  if (request.glassBy !== undefined) request.log.push(`break-glass by ${who}`);
  request.log.push(`operation by ${who}`);
  end(request, 'approved', who);
}

function end(request: Request, state: Request['state'], who: string): void {
  request.state = state;
  request.log.push(`${state} by ${who}`);
}
