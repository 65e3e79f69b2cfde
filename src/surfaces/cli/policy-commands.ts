/**
 * What a policy folder says, before any service is told to follow it. All of it works on files alone; only a plan that is
 * named by its id is asked of the service. The evaluator is loaded when it is used, for nobody else should wait for it.
 */
import { type Command, InvalidArgumentError } from 'commander';
import type { Block } from '../../core/document.ts';
import { FleetError } from '../../core/errors.ts';
import type { Plan } from '../../core/plan.ts';
import type { PolicyRequest } from '../../core/policy.ts';
import { type CommandContext, printBlocks } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { explanationBlocks } from './policy-blocks.ts';

type Folder = { policies: string };
type Facts = {
  peakUnavailable: number;
  targets: number;
  controlPlane: number;
  quorumLost: boolean;
  lastOf: string[];
  declaredOutage: boolean;
  frozen: boolean;
  windowClosed: boolean;
  maxUnavailable: number;
};
type ExplainOptions = Folder &
  Facts & {
    plan?: string;
    principal?: string;
    groups?: string[];
    action?: string;
    site: string;
    cluster: string;
    via: string;
    cleared: string[];
  };
type Asked = Omit<PolicyRequest, 'risk'>;

/** Who exists by a configuration; throws `invalid_config` where it is not usable. */
export type PeopleIn = (configFile: string) => { groups: string[]; sites: string[] };

/** Adds `policy check|test|explain`. */
export function addPolicyCommands(program: Command, context: CommandContext, peopleIn?: PeopleIn): void {
  const group = program
    .command('policy')
    .helpGroup('Run:')
    .summary('Check, test and explain policy files')
    .description('What a folder of policies says, before a service follows it.');
  const add = (name: string, summary: string) =>
    group.command(name).summary(summary).option('--policies <dir>', 'folder of the policies', 'policies');
  const checking = add('check', 'Find every fault of the policies')
    .description(
      'Reads the policies and reports every fault with its file and line; with a configuration also groups that nobody is in, and sites where too few could vote. Exit status 2 when there is a fault.',
    )
    .action((options: Folder & { config?: string }) => check(context, options, peopleIn));
  if (peopleIn) checking.option('--config <file>', 'configuration that says who is in which group');
  add('test', 'Compare the decisions with cases.yaml')
    .description(
      'Decides every case of cases.yaml beside the policies and shows those that differ. Exit status 1 when one does.',
    )
    .action((options: Folder) => test(context, options));
  add('explain', 'Say why something is allowed, denied or needs votes')
    .description(
      'Which policies decide a request, why, and what would satisfy them. The request is given by options, or is that of a stored plan, for which the service is asked; the policies are those of the folder in any case.',
    )
    .option('--plan <id>', 'explain the start of this plan by you')
    .option('--principal <name>', 'who asks')
    .option('--groups <names>', 'groups of who asks, separated by commas', list)
    .option('--action <name>', 'what is asked for, such as drainNode')
    .option('--site <name>', 'where', '*')
    .option('--cluster <name>', 'where', '*')
    .option('--via <channel>', 'how it is asked for: cli, mcp, …', 'cli')
    .option('--peak-unavailable <n>', 'most nodes down at one moment, those already down included', count, 1)
    .option('--targets <n>', 'nodes touched in all', count, 1)
    .option('--control-plane <n>', 'how many of them are control-plane nodes', count, 0)
    .option('--quorum-lost', 'etcd would lose its quorum, or nobody can tell', false)
    .option('--last-of <kinds>', 'roles and zones left without a node that takes pods, separated by commas', list, [])
    .option('--declared-outage', 'the asker says that it is an outage', false)
    .option('--frozen', 'somebody froze the fleet, the site or the cluster', false)
    .option('--window-closed', 'no maintenance window is open at the site', false)
    .option('--max-unavailable <n>', "the cluster's budget", count, 1)
    .option('--cleared <ids>', 'policies whose votes are in, separated by commas', list, [])
    .action((options: ExplainOptions) => explain(context, options));
}

async function check(
  context: CommandContext,
  { policies, config }: Folder & { config?: string },
  peopleIn: PeopleIn | undefined,
): Promise<void> {
  const { loadPolicy } = await import('../../gateway/policy.ts');
  const known = config === undefined ? undefined : peopleIn?.(config);
  const { statements, risks, digest, notices } = loadPolicy(policies, known);
  const voting = statements.filter(({ approval }) => approval).length;
  const files = new Set(statements.map(({ file }) => file)).size;
  printBlocks(context, [
    { text: `The policies in ${policies} are sound.`, tone: 'good' },
    {
      facts: [
        ['policies', `${statements.length} in ${files} files, of which ${voting} ask for votes`],
        ['actions', String(risks.size)],
        ['groups', known ? `looked for, at ${known.sites.length} sites` : 'not looked for; --config says who exists'],
        ['digest', digest],
      ],
    },
    ...(notices.length > 0 ? [{ title: 'Never allowed, for want of voters', list: [...notices] }] : []),
  ]);
}

async function test(context: CommandContext, { policies }: Folder): Promise<void> {
  const { loadPolicy, testPolicyFolder, caseFile } = await import('../../gateway/policy.ts');
  const results = testPolicyFolder(loadPolicy(policies), policies);
  const failed = results.filter(({ ok }) => !ok);
  const differing = failed.flatMap(({ name, line, expected, actual }): Block[] => [
    { text: `${caseFile}:${line}: ${name}`, tone: 'bad' },
    {
      facts: [
        ['  expected', expected],
        ['  got', { text: actual, tone: 'bad' }],
      ],
    },
  ]);
  if (failed.length > 0) context.finish(exitCodes.failed);
  const summary: Block =
    failed.length === 0
      ? { text: `All ${results.length} cases are decided as expected.`, tone: 'good' }
      : { text: `${failed.length} of ${results.length} cases are decided otherwise than expected.`, tone: 'bad' };
  printBlocks(context, [...differing, summary]);
}

async function explain(context: CommandContext, options: ExplainOptions): Promise<void> {
  const { loadPolicy, explainDecision } = await import('../../gateway/policy.ts');
  const policy = loadPolicy(options.policies);
  if (options.plan === undefined) {
    const asked = requestIn(options);
    return printBlocks(context, explanationBlocks(asked, explainDecision(policy, asked)));
  }
  const { all, madeUnder } = await requestsOfPlan(context, options.plan, options);
  const other = `The plan was made under other policies than these: ${madeUnder}, not ${policy.digest}.`;
  const difference: Block[] = madeUnder === policy.digest ? [] : [{ text: other, tone: 'warn' }];
  const explained = all.flatMap(asked => explanationBlocks(asked, explainDecision(policy, asked)));
  printBlocks(context, [...explained, ...difference]);
}

function requestIn({ principal, action, groups = [], ...rest }: ExplainOptions): Asked {
  if (principal === undefined || action === undefined) {
    throw new FleetError({
      code: 'invalid_input',
      message: 'it takes --principal and --action, or --plan',
      hint: 'groundskeeper policy explain --principal ana --groups operators --action drainNode --site boston --cluster prod',
    });
  }
  const { site, cluster, via, cleared, declaredOutage, maxUnavailable } = rest;
  const { peakUnavailable, targets, controlPlane, quorumLost, lastOf } = rest;
  return {
    principal: { name: principal, groups },
    action,
    resource: { site, cluster },
    context: {
      via,
      blast: { peakUnavailable, targets, controlPlane, quorumLost, lastOf },
      budget: { maxUnavailable },
      declaredOutage,
      ...conditionsOf(rest),
      cleared,
    },
  };
}

/** What holds at the place, as the options say: nothing stands in the way unless they do. */
function conditionsOf({ frozen, windowClosed }: Pick<Facts, 'frozen' | 'windowClosed'>) {
  const closesInMs = windowClosed ? 0 : Number.MAX_SAFE_INTEGER;
  return { frozen, window: { open: !windowClosed, closesInMs, expectedMs: 0 } };
}

/** The start of a stored plan in each of its clusters, by who is logged in or named; no vote counts but those that are named. */
async function requestsOfPlan(context: CommandContext, id: string, options: ExplainOptions) {
  const { principal, groups, via, cleared } = options;
  const client = await context.client();
  const [{ output }, me] = await Promise.all([client.callTool('getPlan', { plan: id }), client.me()]);
  const { action, scopes, declaredOutage, policyDigest } = output.plan as Plan;
  const who = { name: principal ?? me.person, groups: groups ?? (principal === undefined ? me.groups : []) };
  const all = scopes.map(
    ({ site, cluster, blast, budget }): Asked => ({
      principal: who,
      action,
      resource: { site, cluster },
      context: { via, blast, budget, declaredOutage, ...conditionsOf(options), cleared },
    }),
  );
  return { all, madeUnder: policyDigest };
}

function list(text: string): string[] {
  return text
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '');
}

function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It is not a whole number.');
  return Number(text);
}
