/** A request that people decide on. It binds to one plan digest; one approval leads to at most one operation. */
import type { Operation } from './operation.ts';
import type { Requirement } from './policy.ts';

/** `revoked`: taken back by who asked or by somebody who had voted for it, before or after its operation began. */
export type ApprovalState = 'pending' | 'approved' | 'rejected' | 'expired' | 'revoked';

/** Where votes come from; `page` is the service's own approval page, the only one for critical votes. */
export type VoteChannel = 'cli' | 'demo' | 'page' | 'slack';

/** What proved that the voter was there, at the moment of the vote. */
export type PresenceStrength = 'passphrase' | 'oidc' | 'chat-click';

export type Vote = {
  /** Of the plan that was voted on. */
  digest: string;
  person: string;
  /** Those of the person's groups, at that time, that the request asks for. */
  groups: string[];
  channel: VoteChannel;
  strength: PresenceStrength;
  vote: 'approve' | 'reject';
  reason: string;
  /** RFC 3339. */
  at: string;
};

/** Whose word ended it, other than by votes. */
export type Closing = { by: string; reason: string; at: string };

export type Approval = {
  id: string;
  plan: string;
  digest: string;
  requester: string;
  /** Surface that the request came through. */
  channel: string;
  /** The plan's author; excluded from voting like the requester. */
  author: string;
  state: ApprovalState;
  requirements: Requirement[];
  votes: Vote[];
  createdAt: string;
  /** Until when it may be approved. */
  expiresAt: string;
  /** The operation it led to. */
  operation?: string;
  /** Approved without its votes, in an emergency. */
  breakGlass?: Closing;
  /** Of one that was revoked or expired. */
  closing?: Closing;
};

/** How far the operation of an approved request is. */
export type Execution = 'executing' | 'done' | 'failed' | 'halted' | 'cancelled';

/** A request with how far its operation is, and until when that may begin steps. */
export type TrackedApproval = Approval & { execution?: Execution; executeUntil?: string };

export function tracked(approval: Approval, operation: Operation | undefined): TrackedApproval {
  if (!operation) return approval;
  return { ...approval, execution: executionOf(operation), executeUntil: operation.executeUntil };
}

function executionOf({ state, nodes }: Operation): Execution {
  switch (state) {
    case 'queued':
    case 'running':
      return 'executing';
    case 'halted':
      return nodes.some(node => node.state === 'failed') ? 'failed' : 'halted';
    case 'done':
    case 'cancelled':
      return state;
  }
}

/** Whether each vote on it takes the approval page and a proof of presence of its own. */
export function isCritical({ requirements }: Pick<Approval, 'requirements'>): boolean {
  return requirements.some(need => need.tier === 'critical');
}
