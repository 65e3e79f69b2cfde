/** A request that people decide on. It binds to one plan digest; one approval leads to at most one operation. */
import type { Requirement } from './policy.ts';

export type ApprovalState = 'pending' | 'approved' | 'rejected' | 'expired';

export type Vote = {
  person: string;
  vote: 'approve' | 'reject';
  reason: string;
  /** RFC 3339. */
  at: string;
};

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
  expiresAt: string;
  /** The operation it led to. */
  operation?: string;
};
