/** Logging in and out, by passphrase or by browser. A log-in alone decides nothing: each vote asks for the passphrase again. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { FleetError } from '../../core/errors.ts';
import type { LoginAnswer } from '../http/api.ts';
import { type CommandContext, interruptible, printBlocks } from './context.ts';
import { passphrase, typedLine } from './passphrase.ts';
import { plainText } from './plain-text.ts';
import { tokenStore } from './token-store.ts';

type LoginOptions = { name?: string; passphraseFile?: string; oidc?: boolean };

const lookEveryMs = 1000;

/** Adds login, logout and whoami. */
export function addAccountCommands(program: Command, context: CommandContext): void {
  program
    .command('login')
    .helpGroup('Decide:')
    .summary('Log in to the service')
    .description(
      'Logs in to the service with your name and passphrase, or in your browser, and keeps the token in a file only you can read.',
    )
    .option('--name <name>', 'your name as the service knows it')
    .option('--passphrase-file <path>', 'read the passphrase from a file, for scripts')
    .option('--oidc', 'log in in a browser, at the issuer that the service trusts')
    .action((options: LoginOptions) => login(context, options));
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

async function login(context: CommandContext, options: LoginOptions): Promise<void> {
  const client = context.anonymous();
  const { settings } = context;
  const store = tokenStore(settings.configDir);
  const earlier = await store.get(client.url);
  const { token, person, scope, expiresAt } = options.oidc
    ? await byBrowser(context)
    : await byPassphrase(context, options);
  await store.put(client.url, { token, person, expiresAt });
  if (earlier) await endQuietly(context, earlier.token);
  printBlocks(context, [
    { text: `Logged in to ${client.url} as ${person} (${scope}) until ${expiresAt}.`, tone: 'good' },
  ]);
  if (settings.token) {
    printBlocks(context, [{ text: 'GROUNDSKEEPER_TOKEN is set and still wins over this log-in.', tone: 'warn' }]);
  }
}

async function byPassphrase({ anonymous, terminal }: CommandContext, options: LoginOptions): Promise<LoginAnswer> {
  const name = options.name ?? (await typedLine(terminal, 'Name: ', '--name NAME'));
  const secret = await passphrase(terminal, `Passphrase of ${name}: `, options.passphraseFile);
  return anonymous().login({ name, passphrase: secret, channel: 'cli' });
}

/** Waits until the person has said yes in a browser, which shows the same code. Ctrl-C ends it, and so does time. */
async function byBrowser(context: CommandContext): Promise<LoginAnswer> {
  const client = context.anonymous();
  const { url, code, secret, expiresAt } = await client.beginBrowserLogin();
  printBlocks(context, [{ text: `Open this address in your browser, before ${expiresAt}:` }]);
  context.terminal.output.write(`  ${plainText(url)}\n`); // in one piece, however long
  printBlocks(context, [{ text: `It has to show the code ${code}.`, tone: 'warn' }]);
  return interruptible(context.terminal, async signal => {
    for (;;) {
      const login = await client.collectLogin(secret);
      if (login) return login;
      await delay(lookEveryMs, undefined, { signal });
    }
  });
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
