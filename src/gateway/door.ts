/** All that a surface inside the service may reach: tools, log-ins, votes, and records to read. */

import type { Approval } from '../core/approval.ts';
import type { Digests } from '../core/digest-runs.ts';
import type { Block } from '../core/document.ts';
import type { Plan } from '../core/plan.ts';
import type { PolicyStanding } from '../core/policy.ts';
import type { Records } from '../core/records.ts';
import type { Assistant } from '../core/talk.ts';
import type { Approvals } from '../guard/approvals.ts';
import type { BrowserLogIns } from '../guard/browser-log-ins.ts';
import type { CustodyLog } from '../guard/custody/log.ts';
import type { Freezes } from '../guard/freezes.ts';
import type { Logins, PageSession } from '../guard/logins.ts';
import { deedOn, type Presence, type PresenceWanted, type ProvedDeed } from '../guard/presence.ts';
import { type RecordReads, requestTools } from '../guard/record-reads.ts';
import type { Standing } from '../guard/standing.ts';
import type { Steering } from '../guard/steer.ts';
import type { TerminalLogIns } from '../guard/terminal-log-ins.ts';
import type { CustodyDesk } from './custody-desk.ts';
import type { Gateway } from './gateway.ts';

export type { PageSession, Presence, PresenceWanted, ProvedDeed, RecordReads, Standing };
export { deedOn, requestTools };

export type ServiceDoor = {
  gateway: Gateway;
  logins: Logins;
  /** Where an issuer is configured; elsewhere the page asks for a passphrase. */
  browser?: BrowserLogIns;
  terminals: TerminalLogIns;
  presenceWanted(deed: ProvedDeed, session: PageSession): PresenceWanted;
  mayBreakGlass(person: string): boolean;
  standing(approval: Approval): Standing[];
  approvals: Pick<Approvals, 'vote' | 'revoke' | 'breakGlass' | 'expireDue'>;
  freezes: Pick<Freezes, 'lift'>;
  steer: Pick<Steering, 'resume' | 'advance'>;
  custody: Pick<CustodyLog, 'checkpoint' | 'verifierKey'>;
  policyStanding(): PolicyStanding;
  digests: Digests;
  /** Where a language model is configured. */
  assistant?: Assistant;
  custodyDesk: CustodyDesk;
  /** Asked before a person is shown anything of `records`. */
  reads: RecordReads;
  records: {
    freezes: Pick<Records['freezes'], 'standing'>;
    plans: Pick<Records['plans'], 'get'>;
    approvals: Pick<Records['approvals'], 'get' | 'list' | 'forOperation'>;
    operations: Pick<Records['operations'], 'get' | 'head' | 'list' | 'events'>;
    custody: Pick<Records['custody'], 'head' | 'checkpoints'>;
  };
  planCard(plan: Plan, digest: string): Block[];
  log: Record<'warn' | 'error', (fields: object, message: string) => void>;
};
