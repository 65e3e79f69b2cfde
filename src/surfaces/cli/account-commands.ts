/** Logging in and out. A log-in alone decides nothing: each vote asks for the passphrase again. */
import type { Command } from 'commander';
import { FleetError } from '../../core/errors.ts';
import { type CommandContext, printBlocks } from './context.ts';
import { passphrase, typedLine } from './passphrase.ts';
import { tokenStore } from './token-store.ts';

type PassphraseOption = { passphraseFile?: string };

/** Adds login, logout and whoami. */
export function addAccountCommands(program: Command, context: CommandContext): void {
  program
    .command('login')
    .helpGroup('Decide:')
    .summary('Log in to the service')
    .description(
      'Logs in to the service with your name and passphrase, and keeps the token in a file only you can read.',
    )
    .option('--name <name>', 'your name as the service knows it')
    .option('--passphrase-file <path>', 'read the passphrase from a file, for scripts')
    .action((options: PassphraseOption & { name?: string }) => login(context, options));
  program
    .command('logout')
    .helpGroup('Decide:')
    .summary('Log out and forget the token')
    .description('Ends the log-in at the service and deletes the stored token.')
    .action(() => logout(context));
  program
    .command('whoami')
    .helpGroup('Decide:')
    .summary('Show who you are logged in as')
    .description('Shows who you are to the service, your groups, and what this log-in may do.')
    .action(() => whoami(context));
}

async function login(context: CommandContext, options: PassphraseOption & { name?: string }): Promise<void> {
  const client = context.anonymous();
  const { terminal, settings } = context;
  const name = options.name ?? (await typedLine(terminal, 'Name: ', '--name NAME'));
  const secret = await passphrase(terminal, `Passphrase of ${name}: `, options.passphraseFile);
  const store = tokenStore(settings.configDir);
  const earlier = await store.get(client.url);
  const { token, person, scope, expiresAt } = await client.login({ name, passphrase: secret, channel: 'cli' });
  await store.put(client.url, { token, person, expiresAt });
  if (earlier) await endQuietly(context, earlier.token);
  printBlocks(context, [
    { text: `Logged in to ${client.url} as ${person} (${scope}) until ${expiresAt}.`, tone: 'good' },
  ]);
  if (settings.token) {
    printBlocks(context, [{ text: 'GROUNDSKEEPER_TOKEN is set and still wins over this log-in.', tone: 'warn' }]);
  }
}

/** The log-in that a new one replaces would stay valid at the service for nobody's use. */
async function endQuietly({ settings, withToken }: CommandContext, token: string): Promise<void> {
  if (token === settings.token) return;
  await withToken(token)
    .logout()
    .catch(() => undefined);
}

async function logout(context: CommandContext): Promise<void> {
  const client = await context.client();
  await tokenStore(context.settings.configDir).remove(client.url);
  await client.logout().catch((thrown: unknown) => {
    // An expired log-in has ended by itself.
    if (!(thrown instanceof FleetError && thrown.code === 'unauthenticated')) throw thrown;
  });
  printBlocks(context, [{ text: `Logged out of ${client.url}.` }]);
}

async function whoami(context: CommandContext): Promise<void> {
  const client = await context.client();
  const { person, groups, channel, scope } = await client.me();
  printBlocks(context, [
    {
      facts: [
        ['person', person],
        ['groups', groups.join(', ') || 'none'],
        ['log-in', `${channel}, ${scope}`],
        ['service', client.url],
      ],
    },
  ]);
}
