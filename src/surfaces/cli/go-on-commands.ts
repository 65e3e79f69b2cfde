/**
 * Going on after somebody stopped: lifting a freeze, resuming an operation, letting its next wave begin. Each asks for the
 * passphrase, since a stored token, an editor's agent or a script must not go on.
 */
import type { Command } from 'commander';
import { frozenPart } from '../../core/freeze.ts';
import { type CommandContext, printBlocks } from './context.ts';
import { passphrase } from './passphrase.ts';

type Options = { reason: string; passphraseFile?: string };
type Going = { command: string; summary: string; description: string; id: string; why: string };

/** Adds `unfreeze`, `resume-operation` and `advance-operation`. */
export function addGoOnCommands(program: Command, context: CommandContext): void {
  const add = (
    { command, summary, description, id, why }: Going,
    act: (id: string, options: Options) => Promise<string>,
  ) =>
    program
      .command(command)
      .helpGroup('Decide:')
      .summary(summary)
      .description(`Asks for your passphrase. ${description}`)
      .argument('<id>', id)
      .requiredOption('--reason <text>', `why ${why}, for the record`)
      .option('--passphrase-file <path>', 'read the passphrase from a file, for scripts')
      .action(async (on: string, options: Options) => {
        printBlocks(context, [{ text: await act(on, options), tone: 'good' }]);
      });

  add(
    {
      command: 'unfreeze',
      summary: 'Let changes go on after a freeze',
      description: 'Lifts one freeze; get-fleet-overview shows those that stand.',
      id: 'id of the freeze',
      why: 'changes may go on',
    },
    async (id, options) => {
      const { client, secret } = await present(context, `lift ${id}`, options);
      const freeze = await client.unfreeze(id, { reason: options.reason, passphrase: secret });
      return `Lifted: ${frozenPart(freeze)} may change again.`;
    },
  );
  add(
    {
      command: 'resume-operation',
      summary: 'Let a paused operation go on',
      description: 'Ends the pause of one operation; list-operations shows those that are paused.',
      id: 'id of the operation',
      why: 'it may go on',
    },
    async (id, options) => {
      const { client, secret } = await present(context, `resume ${id}`, options);
      const { state } = await client.letGoOn(id, 'resume', { reason: options.reason, passphrase: secret });
      return `Operation ${id} is ${state}, and not paused.`;
    },
  );
  add(
    {
      command: 'advance-operation',
      summary: 'Let the next wave of an operation begin',
      description: 'For plans that wait for a person after each wave, once the wave before has ended.',
      id: 'id of the operation',
      why: 'the next wave may begin',
    },
    async (id, options) => {
      const { client, secret } = await present(context, `advance ${id}`, options);
      const { advancedTo } = await client.letGoOn(id, 'advance', { reason: options.reason, passphrase: secret });
      return `Wave ${advancedTo} of operation ${id} may begin.`;
    },
  );
}

async function present(context: CommandContext, to: string, { passphraseFile }: Options) {
  const client = await context.client();
  const { person } = await client.me();
  const secret = await passphrase(context.terminal, `Passphrase of ${person} to ${to}: `, passphraseFile);
  return { client, secret };
}
