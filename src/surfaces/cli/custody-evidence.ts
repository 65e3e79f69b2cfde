/** What is kept beside the custody log: reading it, held here against its entry, and giving up a subject's key. */
import type { Command } from 'commander';
import { FleetError } from '../../core/errors.ts';
import { keyedDigest } from '../../gateway/custody.ts';
import type { EvidenceAnswer } from '../http/api.ts';
import type { Client } from './client.ts';
import { type CommandContext, printBlocks, printJson } from './context.ts';
import { entryOf, type SeenEntry, servedRows, wordOf } from './custody-rows.ts';
import { exitCodes } from './exit-codes.ts';
import { passphrase } from './passphrase.ts';

type EraseOptions = { subject: string; reason: string; passphraseFile?: string };
type Found = { seq: number; entry: SeenEntry };

/** Adds `custody evidence|erase`. */
export function addEvidenceCommands(group: Command, context: CommandContext): void {
  group
    .command('evidence')
    .summary('Show what is kept beside an entry')
    .description(
      'Shows evidence that is kept beside the log, such as the firmware that a server showed after its update, once its digest was found to be the one in the log. Exit status 6 when it is not.',
    )
    .argument('<seq|id>', 'sequence number of the entry, or id of the evidence, as "custody trail" shows them')
    .option('--json', 'print the evidence as it is kept')
    .action((which: string, options: { json?: boolean }) => showEvidence(context, which, options));
  group
    .command('erase')
    .summary('Erase what is kept of a person or server')
    .description(
      'Deletes the key of a subject: nobody reads the evidence about it any more, and the log still verifies. This cannot be undone. Entries keep the names that they have. Backups hold the key until they expire. Asks for your passphrase.',
    )
    .requiredOption('--subject <subject>', 'person:<name> or server:<system UUID>')
    .requiredOption('--reason <text>', 'why, for the record')
    .option('--passphrase-file <path>', 'read the passphrase from a file, for scripts')
    .action((options: EraseOptions) => erase(context, options));
}

async function showEvidence(context: CommandContext, which: string, { json }: { json?: boolean }): Promise<void> {
  const client = await context.client();
  const { seq, entry } = await entryFor(client, which);
  const evidence = await client.evidence(wordOf(entry.evidence));
  if (!belongs(evidence, entry)) {
    context.finish(exitCodes.custody);
    return printBlocks(context, [
      { text: `This is not the evidence that entry ${seq} names: it was changed.`, tone: 'bad' },
    ]);
  }
  if (json) return printJson(context, JSON.parse(evidence.text));
  printBlocks(context, [
    {
      facts: [
        ['entry', String(seq)],
        ['kept', wordOf(entry.time)],
        ['about', evidence.subject],
        ['kind', evidence.kind],
        ['digest', { text: 'as the log says', tone: 'good' }],
      ],
    },
    { untrusted: JSON.stringify(JSON.parse(evidence.text), null, 2).split('\n'), source: 'evidence' },
  ]);
}

/** Whether the bytes are those whose digest the entry carries. */
function belongs({ text, digestKey }: EvidenceAnswer, { contentDigest }: SeenEntry): boolean {
  return keyedDigest(Buffer.from(digestKey, 'base64'), text) === contentDigest;
}

async function entryFor(client: Client, which: string): Promise<Found> {
  const { size } = await client.custodyHead();
  const seq = /^\d{1,15}$/.test(which) ? Number(which) : undefined;
  for await (const row of servedRows(client, seq ?? 0, seq === undefined ? size : Math.min(size, seq + 1))) {
    const entry = entryOf(row);
    if (entry?.type === 'evidence' && (seq !== undefined || entry.evidence === which)) return { seq: row.seq, entry };
  }
  throw new FleetError({
    code: 'not_found',
    message: `the log has no entry of evidence ${JSON.stringify(which.slice(0, 60))}`,
    hint: 'groundskeeper custody trail shows those of a server, node or operation',
  });
}

async function erase(context: CommandContext, { subject, reason, passphraseFile }: EraseOptions): Promise<void> {
  const client = await context.client();
  const { person } = await client.me();
  const secret = await passphrase(context.terminal, `Passphrase of ${person} to erase ${subject}: `, passphraseFile);
  const { pieces } = await client.eraseSubject({ subject, reason, passphrase: secret });
  const left = 'Entries keep the names that they have; backups hold the key until they expire.';
  printBlocks(context, [
    { text: `Erased: ${pieces} pieces of evidence cannot be read any more. ${left}`, tone: 'good' },
  ]);
}
