/** Commands that run something for long: the service, a lab, the demo, the MCP server. What they do is given from outside. */
import { type Command, InvalidArgumentError, Option } from 'commander';

export type LabCommand = {
  sites: number;
  /** Worker nodes per site. */
  nodes: number;
  /** Control-plane nodes per site. */
  controlPlanes: number;
  speed: number;
  seed: number;
  dir: string;
  addressBase: string;
  latency: boolean;
  /** Names of machines, or `all`. */
  machines?: string[];
} & ModelChoice;

/** A language model to talk to, if any. */
export type ModelChoice = { modelUrl?: string; model?: string };

export type DemoCommand = { tour: boolean; speed: number } & ModelChoice;
export type ServiceCommand = { config: string; logLevel: string };

export type Processes = {
  demo(options: DemoCommand): Promise<void>;
  lab(options: LabCommand): Promise<void>;
  serve(options: ServiceCommand): Promise<void>;
  worker(options: ServiceCommand): Promise<void>;
  check(options: { config: string }): Promise<void>;
  /** `url` as given by `--url`, if it was. */
  mcp(options: { url?: string }): Promise<void>;
};

const usualConfig = 'groundskeeper.yaml';

/** Adds demo, serve, worker, check, mcp and lab. */
export function addProcessCommands(program: Command, processes: Processes): void {
  program
    .command('demo')
    .helpGroup('Run:')
    .summary('Try it all on a simulated fleet')
    .description('Starts a simulated fleet and a service on this machine, logs you in, and gives you a prompt.')
    .option('--tour', 'show a firmware rollout step by step instead of a prompt', false)
    .option('--speed <factor>', 'simulated durations are divided by this', positive, 60)
    .addOption(modelUrl())
    .addOption(model())
    .action((options: DemoCommand) => processes.demo(options));
  program
    .command('serve')
    .helpGroup('Run:')
    .summary('Run the service')
    .description(
      'Runs the service in the foreground until it is told to stop (Ctrl-C or SIGTERM). A second one on the same database works beside the first, and serves when that is gone.',
    )
    .option('--config <file>', 'configuration', usualConfig)
    .addOption(logLevel())
    .action((options: ServiceCommand) => processes.serve(options));
  program
    .command('worker')
    .helpGroup('Run:')
    .summary('Run one more worker beside the service')
    .description(
      'Takes its share of all operations over the database of the service, until it is told to stop. Serves nobody, and looks at no server by itself. On another host it needs the configuration, the policies, the images and the custody.key and evidence.key of the service.',
    )
    .option('--config <file>', 'configuration', usualConfig)
    .addOption(logLevel())
    .action((options: ServiceCommand) => processes.worker(options));
  program
    .command('check')
    .helpGroup('Run:')
    .summary('Check a configuration')
    .description('Reads the configuration and the policies, and reports every problem with its path. Changes nothing.')
    .option('--config <file>', 'configuration', usualConfig)
    .action((options: { config: string }) => processes.check(options));
  program
    .command('mcp')
    .helpGroup('Run:')
    .summary('Serve the tools over MCP on stdio')
    .description(
      'Serves the tools to an MCP client on stdin and stdout, as you but with no more than the scope the service grants to MCP. It cannot vote.',
    )
    .action((_options: unknown, command: Command) => processes.mcp(command.optsWithGlobals<{ url?: string }>()));
  program
    .command('lab')
    .helpGroup('Run:')
    .summary('Run a simulated fleet')
    .description(
      'Runs simulated BMCs (Redfish) and clusters (Kubernetes API) on loopback addresses until it is told to stop.',
    )
    .option('--sites <n>', 'how many sites', countFrom(1), 3)
    .option('--nodes <n>', 'worker nodes per site', countFrom(1), 4)
    .option('--control-planes <n>', 'control-plane nodes per site', countFrom(0), 3)
    .option('--speed <factor>', 'simulated durations are divided by this', positive, 60)
    .option('--seed <n>', 'the same seed gives the same fleet', countFrom(0), 1)
    .option('--dir <path>', 'where kubeconfigs, images and the BMC password are written', '.groundskeeper/lab')
    .option('--address-base <a.b>', 'first two bytes of all addresses', '127.20')
    .option('--machines <names>', 'what the nodes are in turn, separated by commas, or all', names)
    .option('--latency', "BMCs take as long to answer as their vendor's usually do", false)
    .addOption(modelUrl())
    .addOption(model())
    .action((options: LabCommand) => processes.lab(options));
}

function modelUrl(): Option {
  return new Option(
    '--model-url <url>',
    'language model for questions in sentences: any OpenAI-compatible endpoint, its key in GROUNDSKEEPER_MODEL_KEY',
  );
}

function model(): Option {
  return new Option('--model <name>', 'which model of that endpoint');
}

function logLevel(): Option {
  return new Option('--log-level <level>', 'the least that is logged')
    .choices(['info', 'warn', 'error'])
    .default('info');
}

function names(text: string): string[] {
  return text.split(',').map(name => name.trim());
}

function positive(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0)
    throw new InvalidArgumentError('It is not above zero.');
  return value;
}

function countFrom(least: number): (text: string) => number {
  return text => {
    if (!/^\d{1,9}$/.test(text) || Number(text) < least) {
      throw new InvalidArgumentError(`It is not a whole number from ${least} on.`);
    }
    return Number(text);
  };
}
