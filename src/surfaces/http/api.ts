/**
 * The wire form between the service and its thin clients (CLI, MCP, demo): JSON
 * over HTTP, a bearer token, `{error}` on anything but 2xx.
 *
 * | request | body | answer |
 * |---|---|---|
 * | `POST /v1/login` | {@link LoginRequest} | {@link LoginAnswer} |
 * | `POST /v1/login/browser` | – | {@link BrowserLogin}, for a person to finish in a browser |
 * | `POST /v1/login/browser/collect` | `{secret}` | {@link LoginAnswer} once, `{waiting: true}` until then |
 * | `POST /v1/token` | {@link DeriveRequest} | {@link LoginAnswer}, for a weaker channel |
 * | `POST /v1/logout` | – | `{}` |
 * | `GET /v1/me` | – | {@link Me} |
 * | `GET /v1/notices` | – | {@link Notices}, what everybody should know before they type |
 * | `GET /v1/names` | – | {@link Names}, for completion |
 * | `POST /v1/tools/<name>` | the tool's input | {@link ToolAnswer} |
 * | `POST /v1/ask` | {@link AskRequest} | lines of {@link AskLine}, the last one `end` or `error` |
 * | `GET /v1/digests` | – | `{digests: DigestStatus[]}` |
 * | `POST /v1/digests/now` | `{name?}` | `{blocks: Block[]}`, sent nowhere |
 * | `GET /v1/operations/<id>/events?after=<seq>&waitMs=<ms>` | – | {@link EventsAnswer}; waits up to 25 s for news |
 * | `GET /v1/approvals?state=<state>` | – | `{approvals: TrackedApproval[]}` |
 * | `GET /v1/approvals/<id>` | – | {@link ApprovalAnswer} |
 * | `POST /v1/approvals/<id>/vote` | {@link VoteRequest} | `{approval: Approval}` |
 * | `POST /v1/approvals/<id>/revoke` | {@link DecideRequest} | `{approval: Approval}` |
 * | `POST /v1/approvals/<id>/break-glass` | {@link DecideRequest} | `{approval: Approval}` |
 * | `POST /v1/operations/<id>/resume` | {@link DecideRequest} | `{operation: Operation}` |
 * | `POST /v1/operations/<id>/advance` | {@link DecideRequest} | `{operation: Operation}` |
 * | `POST /v1/freezes/<id>/lift` | {@link DecideRequest} | `{freeze: Freeze}` |
 * | `GET /v1/custody/head` | – | {@link CustodyHead} |
 * | `GET /v1/custody/status` | – | {@link CustodyStatus} |
 * | `POST /v1/custody/reconcile` | {@link ReconcileRequest} | {@link Reconciled} |
 * | `POST /v1/custody/rotate-key` | {@link RotateRequest} | `{verifierKey}` |
 * | `GET /v1/custody/evidence/<id>` | – | {@link EvidenceAnswer} |
 * | `POST /v1/custody/erase` | {@link EraseRequest} | {@link Erased} |
 * | `GET /v1/custody/entries?from=<seq>&limit=<n>` | – | `{entries: {seq, bytes, leaf}[]}`, base64, at most 1,000 |
 */

import type { AnchorStatus, Standstill } from '../../core/anchor.ts';
import type { TrackedApproval } from '../../core/approval.ts';
import type { Block } from '../../core/document.ts';
import type { FleetErrorJson } from '../../core/errors.ts';
import type { ReadEvidence } from '../../core/evidence.ts';
import type { Freeze } from '../../core/freeze.ts';
import type { Operation, OperationEvent } from '../../core/operation.ts';
import type { Plan } from '../../core/plan.ts';
import type { PolicyStanding } from '../../core/policy.ts';
import type { Turn, TurnEvent } from '../../core/talk.ts';
import type { Scope } from '../../core/tool.ts';

export type { DigestStatus } from '../../core/digest-runs.ts';

export type LoginRequest = { name: string; passphrase: string; channel?: 'cli' | 'demo' };
/** The page at `url` shows `code`; whoever holds `secret` collects the log-in. */
export type BrowserLogin = { url: string; code: string; secret: string; expiresAt: string };
export type DeriveRequest = { channel: 'mcp' };
export type LoginAnswer = { token: string; person: string; scope: Scope; expiresAt: string };
export type Me = { person: string; groups: string[]; channel: string; scope: Scope };
export type Names = { sites: string[]; clusters: string[]; nodes: string[] };
export type Notices = {
  policy: PolicyStanding;
  freezes: Freeze[];
  /** Name of the language model that answers sentences, if one does. */
  model?: string;
};
export type ToolAnswer = { output: Record<string, unknown>; blocks: Block[] };
/** `more`: these are the oldest of what was asked for; the next call, with `after` of the last one, has more at once. */
export type EventsAnswer = { operation: Operation; events: OperationEvent[]; more: boolean };
export type ApprovalAnswer = { approval: TrackedApproval; plan: Plan; digest: string; blocks: Block[] };
export type DecideRequest = { reason: string; passphrase: string };
export type VoteRequest = DecideRequest & { vote: 'approve' | 'reject' };
export type CustodyHead = {
  size: number;
  /** Base64, as the peaks are. */
  root: string;
  peaks: string[];
  checkpoints: { size: number; note: string }[];
  verifierKey: string;
};
export type CustodyStatus = { standstill: Standstill; anchors: AnchorStatus[] };
export type RotateRequest = { passphrase: string };
export type ReconcileRequest = { reason: string; passphrase: string };
/** What was found, and what does not count any more. */
export type Reconciled = { found: string[]; voided: string[]; halted: string[]; ambiguous: number };
/** With the key of its digest, so that the reader can hold it against the entry. */
export type EvidenceAnswer = ReadEvidence;
export type EraseRequest = { subject: string; reason: string; passphrase: string };
/** How much evidence nobody can read any more. */
export type Erased = { pieces: number };
export type ErrorAnswer = { error: FleetErrorJson };

/** `conversation` goes on with an earlier one of the same person. */
export type AskRequest = { text: string; conversation?: string };
export type AskLine = TurnEvent | { kind: 'end'; turn: Turn } | { kind: 'error'; error: FleetErrorJson };
