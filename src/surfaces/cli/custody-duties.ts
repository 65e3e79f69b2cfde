/** Looking after the custody log: whether it is the one that history went on with, and what to do where it is not. */
import type { Command } from 'commander';
import type { Block, Cell } from '../../core/document.ts';
import type { CustodyStatus, Reconciled } from '../http/api.ts';
import { type CommandContext, printBlocks, printJson } from './context.ts';
import { passphrase } from './passphrase.ts';

type ReconcileOptions = { reason: string; passphraseFile?: string };

/** Adds `custody status|reconcile|rotate-key`. */
export function addCustodyDuties(group: Command, context: CommandContext): void {
  group
    .command('status')
    .summary('Show the anchors, and whether everything stands still')
    .description('Shows where the log is kept outside the database, and whether it contradicts what is kept there.')
    .option('--json', 'print the answer as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const status = await (await context.client()).custodyStatus();
      if (json) printJson(context, status);
      else printBlocks(context, statusBlocks(status));
    });
  group
    .command('reconcile')
    .summary('Go on after a restore or a fork')
    .description(
      'For a service that stands still because its database was restored or copied. Look at the machines first: what was under way is recorded as ambiguous and ends, approvals are void, and what was found is recorded. Then new plans may begin. Asks for your passphrase.',
    )
    .requiredOption('--reason <text>', 'what happened and what you looked at, for the record')
    .option('--passphrase-file <path>', 'read the passphrase from a file, for scripts')
    .action((options: ReconcileOptions) => reconcile(context, options));
  group
    .command('rotate-key')
    .summary('Replace the key that signs the log')
    .description(
      'Makes a new key and names it in the log. Both keys sign for 30 days, so whoever keeps the old verifier key can follow to the new one. Where the old key may have been stolen, tell the new verifier key to everybody on another way. Asks for your passphrase.',
    )
    .option('--passphrase-file <path>', 'read the passphrase from a file, for scripts')
    .action((options: { passphraseFile?: string }) => rotateKey(context, options));
}

async function reconcile(context: CommandContext, { reason, passphraseFile }: ReconcileOptions): Promise<void> {
  const client = await context.client();
  printBlocks(context, statusBlocks(await client.custodyStatus()));
  const { person } = await client.me();
  const secret = await passphrase(context.terminal, `\nPassphrase of ${person} to reconcile: `, passphraseFile);
  printBlocks(context, reconciledBlocks(await client.reconcileCustody({ reason, passphrase: secret })));
}

async function rotateKey(context: CommandContext, { passphraseFile }: { passphraseFile?: string }): Promise<void> {
  const client = await context.client();
  const { person } = await client.me();
  const secret = await passphrase(context.terminal, `Passphrase of ${person} to replace the key: `, passphraseFile);
  const verifierKey = await client.rotateKey({ passphrase: secret });
  printBlocks(context, [
    { text: 'A new key signs the log.', tone: 'good' },
    { facts: [['verifier key', verifierKey]] },
  ]);
}

function statusBlocks({ standstill, anchors }: CustodyStatus): Block[] {
  const rows = anchors.map(({ anchor, size, at, failing }): Cell[] => [
    anchor,
    String(size),
    at ?? 'never',
    failing ? { text: `fails since ${failing.since}: ${failing.problem}`, tone: 'bad' } : '',
  ]);
  return [
    standstill.state === 'none'
      ? { text: 'Effects may happen.', tone: 'good' }
      : { text: `Nothing has an effect since ${standstill.since}: ${standstill.reason}`, tone: 'bad' },
    rows.length === 0
      ? {
          text: 'No anchor is configured: a restored or rewritten database cannot be told from the right one.',
          tone: 'warn',
        }
      : { table: { columns: ['anchor', 'entries', 'compared', ''], rows } },
  ];
}

function reconciledBlocks({ found, voided, halted, ambiguous }: Reconciled): Block[] {
  return [
    { text: 'Reconciled; effects may happen again.', tone: 'good' },
    { title: 'Found', list: found },
    {
      facts: [
        ['approvals void', voided.join(', ') || 'none'],
        ['operations ended', halted.join(', ') || 'none'],
        ['effects ambiguous', String(ambiguous)],
      ],
    },
  ];
}
