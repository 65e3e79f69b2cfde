/** Lifting a freeze: it asks for the passphrase, since a stored token, an editor's agent or a script must not go on. */
import type { Command } from 'commander';
import { frozenPart } from '../../core/freeze.ts';
import { type CommandContext, printBlocks } from './context.ts';
import { passphrase } from './passphrase.ts';

type Options = { reason: string; passphraseFile?: string };

/** Adds `unfreeze`. */
export function addUnfreezeCommand(program: Command, context: CommandContext): void {
  program
    .command('unfreeze')
    .helpGroup('Decide:')
    .summary('Let changes go on after a freeze')
    .description('Asks for your passphrase and lifts one freeze. get-fleet-overview shows those that stand.')
    .argument('<id>', 'id of the freeze')
    .requiredOption('--reason <text>', 'why changes may go on, for the record')
    .option('--passphrase-file <path>', 'read the passphrase from a file, for scripts')
    .action((id: string, options: Options) => unfreeze(context, id, options));
}

async function unfreeze(context: CommandContext, id: string, { reason, passphraseFile }: Options): Promise<void> {
  const client = await context.client();
  const { person } = await client.me();
  const secret = await passphrase(context.terminal, `Passphrase of ${person} to lift ${id}: `, passphraseFile);
  const freeze = await client.unfreeze(id, { reason, passphrase: secret });
  printBlocks(context, [{ text: `Lifted: ${frozenPart(freeze)} may change again.`, tone: 'good' }]);
}
