/**
 * Deciding on plans. What is approved is shown first, the digest is computed
 * here from the plan that was shown, and the passphrase is asked for each
 * time: a stored token alone, an editor's agent or a script cannot vote.
 */
import { type Command, Option } from 'commander';
import { approvalState, presentApproval, votesCounted } from '../../../tools/parts/present-approval.ts';
import type { Approval, ApprovalState, TrackedApproval } from '../../core/approval.ts';
import type { Block, Cell } from '../../core/document.ts';
import { FleetError } from '../../core/errors.ts';
import { planDigest } from '../../core/plan.ts';
import type { ApprovalAnswer } from '../http/api.ts';
import { type CommandContext, printBlocks, printJson } from './context.ts';
import { passphrase } from './passphrase.ts';

type VoteOptions = { passphraseFile?: string; digest?: string; reason?: string };
type Act = 'approve' | 'reject' | 'revoke' | 'break-glass';

const verbs: Record<Act, string> = {
  approve: 'approve',
  reject: 'reject',
  revoke: 'take back what is yours of',
  'break-glass': 'break glass for',
};

const states: ApprovalState[] = ['pending', 'approved', 'rejected', 'expired', 'revoked'];
const shownHex = 12;

/** Adds `approvals list|show|approve|reject|revoke|break-glass`. */
export function addApprovalCommands(program: Command, context: CommandContext): void {
  const group = program
    .command('approvals')
    .helpGroup('Decide:')
    .summary('List, read, approve, reject and take back requests')
    .description('Requests to start a plan that wait for people, and your vote on them.');
  group
    .command('list')
    .summary('List requests')
    .description('Lists requests, those that wait for votes unless another state is named.')
    .addOption(new Option('--state <state>', 'which ones').choices([...states, 'all']).default('pending'))
    .option('--json', 'print the answer as JSON')
    .action((options: { state: ApprovalState | 'all'; json?: boolean }) => list(context, options));
  group
    .command('show')
    .summary('Show a request with its plan')
    .description('Shows a request and the plan it is about, word for word.')
    .argument('<id>', 'id of the request')
    .option('--json', 'print the answer as JSON')
    .action((id: string, options: { json?: boolean }) => show(context, id, options));
  voteOptions(group.command('approve'))
    .summary('Approve a request')
    .description('Shows the plan, asks for your passphrase, and approves exactly that plan.')
    .option('--reason <text>', 'why, for the record', 'no reason given')
    .action((id: string, options: VoteOptions) => vote(context, { id, act: 'approve', ...options }));
  voteOptions(group.command('reject'))
    .summary('Reject a request')
    .description('Shows the plan, asks for your passphrase, and rejects the request for good.')
    .requiredOption('--reason <text>', 'why, for the record and for the requester')
    .action((id: string, options: VoteOptions) => vote(context, { id, act: 'reject', ...options }));
  voteOptions(group.command('revoke'))
    .summary('Take back your request or your vote')
    .description(
      'Withdraws a request that you made, or takes back your vote for it. What runs under it begins nothing more; a node past its first irreversible step settles.',
    )
    .requiredOption('--reason <text>', 'why, for the record')
    .action((id: string, options: VoteOptions) => vote(context, { id, act: 'revoke', ...options }));
  voteOptions(group.command('break-glass'))
    .summary('Start a request without its votes, in an emergency')
    .description(
      'Lets this one plan begin steps for 15 minutes without its votes, and tells everybody. For people of the group that the configuration names; what policy forbids stays forbidden.',
    )
    .requiredOption('--reason <text>', 'what the emergency is, for the record and for everybody')
    .action((id: string, options: VoteOptions) => vote(context, { id, act: 'break-glass', ...options }));
}

function voteOptions(command: Command): Command {
  return command
    .argument('<id>', 'id of the request')
    .option('--digest <hex>', `first ${shownHex} or more hex digits of the plan's digest; another plan is refused`)
    .option('--passphrase-file <path>', 'read the passphrase from a file, for scripts');
}

async function list(context: CommandContext, { state, json }: { state: ApprovalState | 'all'; json?: boolean }) {
  const approvals = await (await context.client()).approvals(state === 'all' ? undefined : state);
  if (json) return printJson(context, { approvals });
  if (approvals.length === 0) {
    return printBlocks(context, [
      { text: state === 'all' ? 'No requests.' : `No requests are ${state}.`, tone: 'muted' },
    ]);
  }
  const columns = ['request', 'state', 'plan', 'asked by', 'votes', 'expires'];
  printBlocks(context, [{ table: { columns, rows: approvals.map(approvalRow) } }]);
}

async function show(context: CommandContext, id: string, { json }: { json?: boolean }): Promise<void> {
  const answer = checked(await (await context.client()).approval(id));
  if (json) printJson(context, answer);
  else printBlocks(context, [...answer.blocks, ...presentApproval(answer.approval)]);
}

async function vote(
  context: CommandContext,
  { id, act, digest, passphraseFile, reason = '' }: VoteOptions & { id: string; act: Act },
): Promise<void> {
  const client = await context.client();
  const answer = checked(await client.approval(id));
  printBlocks(context, [...answer.blocks, ...presentApproval(answer.approval)]);
  if (digest !== undefined) checkDigest(answer.digest, digest);
  const { person } = await client.me();
  const question = `\nPassphrase of ${person} to ${verbs[act]} ${id} (digest ${shortHex(answer.digest)}): `;
  const request = { reason, passphrase: await passphrase(context.terminal, question, passphraseFile) };
  const after =
    act === 'approve' || act === 'reject'
      ? await client.vote(id, { vote: act, ...request })
      : await client.decide(id, act, request);
  printBlocks(context, [outcomeBlock(after, act)]);
}

function outcomeBlock(approval: Approval, act: Act): Block {
  switch (approval.state) {
    case 'approved': {
      const operation = approval.operation;
      const next = operation
        ? ` Operation ${operation} has started: groundskeeper get-operation ${operation} --watch`
        : '';
      return { text: `Request ${approval.id} is approved.${next}`, tone: 'good' };
    }
    case 'pending':
      return {
        text: `Your vote is ${act === 'revoke' ? 'taken back' : 'counted'}; request ${approval.id} still waits: ${votesCounted(approval)}.`,
        tone: 'warn',
      };
    case 'rejected':
    case 'expired':
    case 'revoked':
      return { text: `Request ${approval.id} is ${approval.state}.`, tone: 'warn' };
  }
}

/** Throws `conflict` unless the plan that came is the plan that the request names. */
function checked(answer: ApprovalAnswer): ApprovalAnswer {
  const { approval, plan, digest } = answer;
  if (planDigest(plan) === digest && approval.digest === digest && approval.plan === plan.id) return answer;
  throw new FleetError({
    code: 'conflict',
    retry: 'ask',
    message: `the plan shown for request ${approval.id} is not the plan that it binds`,
    hint: 'do not vote; verify the custody log',
  });
}

function checkDigest(digest: string, wanted: string): void {
  const prefix = wanted.toLowerCase().replace(/^sha256:/, '');
  if (!/^[0-9a-f]+$/.test(prefix) || prefix.length < shownHex) {
    throw new FleetError({ code: 'invalid_input', message: `--digest takes at least ${shownHex} hex digits` });
  }
  if (digest.startsWith(`sha256:${prefix}`)) return;
  throw new FleetError({
    code: 'conflict',
    message: `the plan's digest begins with ${shortHex(digest)}, not with ${prefix.slice(0, shownHex)}; nothing was voted`,
    hint: 'read the plan again',
  });
}

function approvalRow(approval: TrackedApproval): Cell[] {
  const { id, plan, requester, expiresAt } = approval;
  return [id, approvalState(approval), plan, requester, votesCounted(approval), shortTime(expiresAt)];
}

/** To the minute, in UTC. */
function shortTime(time: string): string {
  return `${time.slice(0, 16).replace('T', ' ')}Z`;
}

function shortHex(digest: string): string {
  return digest.replace('sha256:', '').slice(0, shownHex);
}
