/** Slash commands: a tool's own answer, shown to whoever asked and to nobody else. */
import { RespondError } from '@slack/bolt';
import { votesCounted } from '../../../tools/parts/present-approval.ts';
import type { Approval } from '../../core/approval.ts';
import type { Block } from '../../core/document.ts';
import { FleetError } from '../../core/errors.ts';
import type { Person } from '../../core/fleet.ts';
import { historiesIn, type Picture } from '../../core/picture.ts';
import { placeText } from '../../core/plan.ts';
import { isPlainRead } from '../../core/tool.ts';
import { commandName } from '../../gateway/command-form.ts';
import { requestTools } from '../../gateway/door.ts';
import { errorBlocks, fallbackText, slackBlocks } from './blocks/render-blocks.ts';
import { parseCommand, shortForms, usageOf } from './command-line.ts';
import { refusal } from './events.ts';
import type { Sender } from './identity.ts';
import { inTime } from './in-time.ts';
import { type SlackParts, shownError, slackCaller } from './parts.ts';
import type { Message } from './slack-client.ts';

const plotElsewhere = 'The plot comes to you as a direct message.';

/** What only whoever asked sees can hold no files: plots of it go to their direct conversation. */
export type CommandAnswer = { message: Message; pictures: Picture[] };

/** `done`: when it was, in milliseconds since 1970. */
export type TypedCommand = { sender: Sender; text: string; done: number };

/** Never throws: what goes wrong is said. */
export async function commandAnswer(parts: SlackParts, command: TypedCommand): Promise<CommandAnswer> {
  try {
    const found = await parts.identify(command.sender, { soon: true });
    if ('refused' in found) return { message: refusal(found.refused), pictures: [] };
    const blocks = await answered(parts, { ...command, ...found });
    const pictures = historiesIn(blocks);
    const shown = pictures.length > 0 ? [...blocks, { text: plotElsewhere, tone: 'muted' as const }] : blocks;
    return { message: { text: fallbackText(blocks), blocks: slackBlocks(shown) }, pictures };
  } catch (thrown) {
    const safe = shownError(parts, thrown, 'a command in Slack failed');
    return { message: { text: fallbackText([{ text: safe.message }]), blocks: errorBlocks(safe) }, pictures: [] };
  }
}

/** An answer that did not reach Slack, as its client says it; one that Slack refused is thrown as it is. */
export function notTaken(thrown: unknown): never {
  if (thrown instanceof RespondError && thrown.statusCode < 500 && thrown.statusCode !== 429) throw thrown;
  throw new FleetError({
    code: 'service_unreachable',
    retry: 'later',
    message: 'Slack did not take the answer to a command',
    cause: thrown,
  });
}

/** Never throws. `key`: of this very command. */
export async function showPrivately(
  { client, pictures, log }: Pick<SlackParts, 'client' | 'pictures' | 'log'>,
  { user, key, ...shown }: { user: string; pictures: Picture[]; key: string },
): Promise<void> {
  try {
    const { channel } = await client.call('conversations.open', { users: user });
    const place = { channel: (channel as { id: string }).id };
    for (const [index, picture] of shown.pictures.entries())
      await pictures.show({ place, picture, key: `${key}/${index}` });
  } catch (thrown) {
    log.warn({ reason: FleetError.from(thrown).message }, 'a plot could not be sent to a direct conversation');
  }
}

async function answered(
  { catalog, gateway, reads, records }: SlackParts,
  { person, text, done }: TypedCommand & { person: Person },
): Promise<Block[]> {
  const caller = slackCaller(person);
  const command = parseCommand(text, catalog);
  switch (command.kind) {
    case 'help':
      return command.about
        ? [{ heading: command.about.title }, { text: command.about.description }, { list: usageOf(command.about) }]
        : overview(catalog);
    case 'approvals':
      return waiting(records, await reads.readable(await records.approvals.list('pending'), requestTools, caller));
    case 'call': {
      if (!isPlainRead(command.tool)) inTime(done);
      return (await gateway.invoke({ tool: command.tool.name, input: command.input, caller })).blocks;
    }
  }
}

function overview(catalog: SlackParts['catalog']): Block[] {
  const named = (asking: boolean) =>
    catalog.filter(({ scope }) => (scope === 'read') === asking).map(tool => `${commandName(tool)}: ${tool.title}`);
  const short = Object.entries(shortForms).flatMap(([form, { tool: name }]) => {
    const tool = catalog.find(each => each.name === name);
    return tool ? [`${form}: ${commandName(tool)}`] : [];
  });
  return [
    { heading: 'Groundskeeper' },
    {
      text: 'Commands are those of the CLI: /groundskeeper get-node-health bos-w-1. help <command> says what one takes.',
    },
    { list: [...short, 'approvals: requests that wait for votes'], title: 'Short forms' },
    { text: named(true).join('\n') },
    { heading: 'Changes' },
    { text: named(false).join('\n') },
  ];
}

async function waiting({ plans }: SlackParts['records'], pending: Approval[]): Promise<Block[]> {
  if (pending.length === 0) return [{ text: 'No request waits for votes.' }];
  const rows = await Promise.all(
    pending.map(async approval => {
      const { plan } = await plans.get(approval.plan);
      return [
        approval.id,
        `${plan.kind} in ${placeText(plan)}`,
        approval.requester,
        votesCounted(approval),
        approval.expiresAt,
      ];
    }),
  );
  return [
    { heading: 'Requests that wait for votes' },
    { table: { columns: ['request', 'plan', 'asked by', 'votes', 'expires'], rows } },
    { text: 'get-approval <request> shows one.', tone: 'muted' },
  ];
}
