/**
 * The command line. It is a thin client of the service: one subcommand per
 * tool, derived from the catalog, and beside them only what is not a tool,
 * namely logging in, deciding, proving, and running things.
 */
import { Command, CommanderError } from 'commander';
import { FleetError } from '../../core/errors.ts';
import type { Tool } from '../../core/tool.ts';
import { addAccountCommands } from './account-commands.ts';
import { addApprovalCommands } from './approval-commands.ts';
import { addAskCommand } from './ask-command.ts';
import { connect } from './client.ts';
import type { CommandContext } from './context.ts';
import { addCustodyCommands } from './custody-commands.ts';
import { addDigestCommand } from './digest-command.ts';
import { type ExitCode, exitCodeHelp, exitCodeOf, exitCodes } from './exit-codes.ts';
import { addGoOnCommands } from './go-on-commands.ts';
import { passphrase } from './passphrase.ts';
import { plainJson } from './plain-text.ts';
import { addPolicyCommands, type PeopleIn } from './policy-commands.ts';
import { addProcessCommands, type Processes } from './process-commands.ts';
import { renderError } from './render.ts';
import { anonymousClient, type ClientSettings, userClient, usualUrl } from './session.ts';
import { styleOf, type Terminal } from './terminal.ts';
import { addToolCommand, callTool } from './tool-command.ts';

export type CliDeps = {
  catalog: Tool[];
  version: string;
  settings: ClientSettings;
  terminal: Terminal;
  /** The stored form of a passphrase, for `hash-passphrase`. */
  hashPassphrase(text: string): Promise<string>;
  /** Absent where no configuration can be read. */
  peopleIn?: PeopleIn;
  /** Absent where nothing may be started, as in the demo's prompt. */
  processes?: Processes;
};

const helpText = `
Examples:
  groundskeeper demo                                    a simulated fleet and a prompt
  groundskeeper get-node-health bos-w-3                 how one node fares
  groundskeeper plan-firmware-rollout boston            what a rollout would do
  groundskeeper drain-node bos-w-1 --dry-run            what a drain would meet
  groundskeeper approvals approve apr-0123456789        decide, after reading the plan
  groundskeeper get-operation op-0123456789 --watch     follow it live
  groundskeeper custody verify                          prove what happened

Environment:
  GROUNDSKEEPER_URL    the service, instead of ${usualUrl}
  GROUNDSKEEPER_TOKEN  a token, instead of the stored log-in
  NO_COLOR             no colours

Exit status:
${exitCodeHelp.map(([code, meaning]) => `  ${code}  ${meaning}`).join('\n')}`;

/**
 * The program. Its actions throw FleetErrors and its parser CommanderErrors; `finish` is told the exit status of a command
 * that ends without an error but not with success. {@link runCli} handles all three.
 */
export function buildCli(deps: CliDeps, finish: (code: ExitCode) => void = leaveWith): Command {
  const { terminal, settings } = deps;
  const program = new Command('groundskeeper');
  program
    .description(
      'Takes care of the metal under Kubernetes: typed tools, policy, human approval, and a record that others can verify.',
    )
    .version(deps.version)
    .option('--url <url>', 'the service')
    .addHelpCommand(new Command('help').argument('[command]').description('show help for a command').helpGroup('Run:'))
    .addHelpText('after', helpText)
    .exitOverride()
    .configureOutput({
      writeOut: text => void terminal.output.write(text),
      writeErr: text => void terminal.errors.write(text),
      getOutHelpWidth: () => styleOf(terminal.output).columns,
      getErrHelpWidth: () => styleOf(terminal.errors).columns,
    });
  const url = () => program.opts<{ url?: string }>().url;
  const context: CommandContext = {
    terminal,
    settings,
    anonymous: () => anonymousClient(settings, url()),
    client: () => userClient(settings, url()),
    withToken: token => connect({ url: anonymousClient(settings, url()).url, token }),
    finish,
  };
  for (const tool of deps.catalog) addToolCommand(program, tool, call => callTool(context, call));
  addAskCommand(program, context, deps.catalog);
  addDigestCommand(program, context);
  addApprovalCommands(program, context);
  addAccountCommands(program, context);
  addCustodyCommands(program, context);
  addGoOnCommands(program, context);
  addPolicyCommands(program, context, deps.peopleIn);
  if (deps.processes) addProcessCommands(program, deps.processes);
  program
    .command('hash-passphrase')
    .helpGroup('Run:')
    .summary('Hash a passphrase for the configuration')
    .description('Asks for a passphrase twice and prints the form in which a configuration may hold it.')
    .option('--passphrase-file <path>', 'read the passphrase from a file, for scripts')
    .action((options: { passphraseFile?: string }) => hashPassphrase(deps, options.passphraseFile));
  return program;
}

/** Runs one command line (without program name), prints any failure, and answers with the exit status. Never throws. */
export async function runCli(deps: CliDeps, words: string[]): Promise<ExitCode> {
  let status: ExitCode = exitCodes.ok;
  let json = false;
  const program = buildCli(deps, code => {
    status = code;
  });
  program.hook('preAction', (_program, command) => {
    json = command.opts<{ json?: boolean }>().json === true;
  });
  try {
    await program.parseAsync(words, { from: 'user' });
    return status;
  } catch (thrown) {
    // Commander has printed its own message already.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    const error = FleetError.from(thrown);
    const { errors } = deps.terminal;
    errors.write(`${json ? plainJson({ error }) : renderError(error, styleOf(errors))}\n`);
    return exitCodeOf(error.code);
  }
}

async function hashPassphrase({ terminal, hashPassphrase: hash }: CliDeps, file?: string): Promise<void> {
  const first = await passphrase(terminal, 'Passphrase: ', file);
  if (file === undefined && (await passphrase(terminal, 'Once more: ')) !== first) {
    throw new FleetError({ code: 'invalid_input', message: 'the two passphrases differ' });
  }
  terminal.output.write(`${await hash(first)}\n`);
}

function leaveWith(code: ExitCode): void {
  process.exitCode = code;
}
