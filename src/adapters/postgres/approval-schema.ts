/** What approvals came to need after their first form: how a vote was cast, how a request ended, and until when its operation may act. */
export const approvalSchema = [
  `alter table approval drop constraint approval_state_check`,
  `alter table approval add constraint approval_state_check check (state in ('pending', 'approved', 'rejected', 'expired', 'revoked'))`,
  `alter table approval add column break_glass jsonb`,
  `alter table approval add column closing jsonb`,
  `alter table vote add column digest text, add column groups text[] not null default '{}',
     add column channel text not null default 'cli', add column strength text not null default 'passphrase'`,
  `update vote set digest = approval.digest from approval where approval.id = vote.approval`,
  `alter table vote alter column digest set not null, alter column channel drop default, alter column strength drop default`,
  `alter table operation add column execute_until timestamptz, add column revoked boolean not null default false`,
  `update operation set execute_until = (plan.body::jsonb ->> 'expiresAt')::timestamptz from plan where plan.id = operation.plan`,
  `alter table operation alter column execute_until set not null`,
];
