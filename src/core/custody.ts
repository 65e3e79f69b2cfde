/**
 * The chain-of-custody log: who asked, who decided, what was about to happen,
 * what happened. Entries are canonical JSON bytes stored verbatim, leaves of an
 * RFC 6962 Merkle tree whose root is signed, so anyone with the public key can
 * check that nothing was changed, dropped or swapped. Integers and strings only.
 */
import type { ApprovalState, PresenceStrength } from './approval.ts';
import type { EffectRequest } from './effect.ts';
import type { EvidenceKind, EvidenceSubject } from './evidence.ts';

export type Actor = { sub: string; groups: string[] };
/** A model, the conversation and call in which it chose, and the digest of its instructions. */
export type Agent = { model: string; conversation: string; call: string; prompt: string };
export type Via = {
  channel: 'cli' | 'mcp' | 'service' | 'demo' | 'watch' | 'page' | 'assistant' | 'schedule' | 'slack';
  client?: string;
  agent?: Agent;
};
export type CustodyResource = { site?: string; cluster?: string; node?: string; serial?: string; uuid?: string };

export type CustodyEvent =
  /** The input is evidence of its own, of the same digest. */
  | { type: 'request'; action: string; inputDigest: string }
  | { type: 'plan'; action: string; plan: string; digest: string }
  | {
      type: 'decision';
      action: string;
      plan?: string;
      digest?: string;
      verdict: string;
      policy: string;
      reasons: string[];
    }
  | {
      type: 'vote';
      approval: string;
      digest: string;
      vote: 'approve' | 'reject' | 'revoke';
      counted: boolean;
      reason: string;
      strength: PresenceStrength;
    }
  /** A request in its new state; `pending` when it was made. */
  | {
      type: 'approval';
      approval: string;
      plan: string;
      digest: string;
      state: ApprovalState;
      operation?: string;
      reason: string;
    }
  | {
      type: 'break-glass';
      approval: string;
      plan: string;
      digest: string;
      counted: boolean;
      reason: string;
      strength: PresenceStrength;
    }
  | { type: 'operation'; operation: string; digest?: string; state: string; reason: string }
  | {
      type: 'effect.intent';
      operation: string;
      digest: string;
      step: string;
      action: string;
      attempt: number;
      request: EffectRequest;
    }
  | { type: 'effect.result'; operation: string; intent: number; status: 'ok' | 'failed' | 'unknown'; detail: string }
  | {
      type: 'effect.reconciled';
      operation: string;
      intent: number;
      finding: 'happened' | 'not-happened' | 'ambiguous';
      evidence: string;
    }
  /** Of what is kept beside the log; `contentDigest` is keyed, so it gives nothing away once the subject is erased. */
  | {
      type: 'evidence';
      evidence: string;
      kind: EvidenceKind;
      subject: EvidenceSubject;
      contentDigest: string;
      bytes: number;
      operation?: string;
      step?: string;
    }
  /** The key of the subject is deleted: so many pieces of evidence cannot be read any more. */
  | { type: 'subject.erased'; subject: string; pieces: number; reason: string }
  | { type: 'key.rotated'; from: string; to: string }
  | { type: 'custody'; action: 'anchored' | 'frozen' | 'reconciled'; detail: string }
  | { type: 'finding'; finding: string; action: 'acknowledged'; text: string }
  | { type: 'freeze'; freeze: string; action: 'frozen' | 'lifted'; where: string; reason: string }
  | { type: 'service'; action: 'started' | 'stopped' | 'policy.loaded' | 'directory.loaded'; detail: string };

/** What a caller appends; `v`, `id` and `time` are set by the log. */
export type CustodyEntry = CustodyEvent & { actor: Actor; via: Via; resource?: CustodyResource };

export type StoredEntry = CustodyEntry & { v: 1; id: string; time: string };

/** Where an entry came to rest: its sequence number (from 0, the RFC 6962 leaf index) and leaf hash, hex. */
export type CustodyReceipt = { seq: number; leaf: string };

export type TreeHead = { size: number; root: Uint8Array };

/** `peaks`: roots of the perfect subtrees, largest first: what the next entry is hashed onto. */
export type StoredHead = TreeHead & { peaks: Uint8Array[] };

/** The stored form: what a verifier reads. */
export type CustodyRow = { seq: number; bytes: Uint8Array; leaf: Uint8Array };

/** Where the log lives. Appending is one atomic call, inside or outside a wider transaction. */
export type CustodyStore = {
  append(bytes: Uint8Array[]): Promise<CustodyReceipt[]>;
  head(): Promise<StoredHead>;
  /** Rows in order, from `from` on. */
  rows(from: number, limit: number): Promise<CustodyRow[]>;
  saveCheckpoint(size: number, note: string): Promise<void>;
  /** The signed checkpoint of the largest tree. */
  newestCheckpoint(): Promise<{ size: number; note: string } | undefined>;
  /** All signed checkpoints, smallest tree first. */
  checkpoints(): Promise<{ size: number; note: string }[]>;
};
