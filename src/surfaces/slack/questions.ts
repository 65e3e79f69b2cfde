/**
 * Sentences in Slack: each person has a conversation of their own in a thread.
 * The model is given that person's words alone. What others wrote in the
 * thread is not shown to it, so that nobody puts words into another's mouth.
 */
import type { Block } from '../../core/document.ts';
import { FleetError } from '../../core/errors.ts';
import type { Person } from '../../core/fleet.ts';
import { historiesIn, type Picture } from '../../core/picture.ts';
import type { Turn, TurnEvent } from '../../core/talk.ts';
import { isPlainRead } from '../../core/tool.ts';
import { callLine } from '../../gateway/call-line.ts';
import { turnNotes } from '../../gateway/turn-notes.ts';
import { errorAnswer, type SlackBlock, slackBlocks } from './blocks/render-blocks.ts';
import { escaped, line } from './blocks/text.ts';
import { Narration } from './narration.ts';
import { type SlackParts, shownError, slackCaller } from './parts.ts';

export type Question = {
  /** Slack's name for it, which no other has. */
  id: string;
  person: Person;
  user: string;
  channel: string;
  thread: string;
  /** Its own timestamp. */
  ts: string;
  text: string;
};

/** What stands below the words: changes in the words of tools, and what the answer stands on; a message takes 50 blocks. */
const below = { blocks: 30, characters: 4_000 };
const notes = { blocks: 15, characters: 3_800 };
/** How the last change stands, where Slack takes no more. */
const status = { blocks: 5, characters: 3_000 };
const blocksOfStatus = 2;
const longestTitle = 80;
const mostPlots = 4;
const withoutModel = 'Commands work without a model: /groundskeeper help';

/** Answers it in its thread; returns when Slack has the answer. Throws where Slack never took it. */
export async function answer(parts: SlackParts, question: Question): Promise<void> {
  const { client, pictures, catalog, signal, workspace, log } = parts;
  const { id, channel, thread, ts, user } = question;
  const narration = new Narration({
    client,
    place: { channel, thread },
    recipient: { user, team: workspace },
    key: id,
    asked: ts,
    signal,
    onTrouble: error => log.info({ error: FleetError.from(error).message, channel }, 'Slack did not take a piece'),
  });
  /** The last first: how it stands is what must not be cut. */
  const changes: Block[][] = [];
  const plots: Picture[] = [];
  const told = await ask(parts, question, event => {
    switch (event.kind) {
      case 'text':
        return narration.say(event.text);
      case 'again':
        return narration.again();
      case 'call':
        return narration.task({
          id: event.result,
          title: `[${event.result}] ${callLine(event, catalog)}`,
          status: 'in_progress',
        });
      case 'result':
        narration.done(event.result, event.ok);
        plots.push(...historiesIn(event.blocks));
        if (event.ok && changesSomething(parts, event.tool)) changes.unshift(event.blocks);
    }
  });
  const [last] = changes;
  const shown = last ? slackBlocks(changes.flat(), below) : [];
  const short = last ? slackBlocks(last.slice(0, blocksOfStatus), status) : [];
  await narration.end({ text: told.text, blocks: [...shown, ...told.blocks], short });
  for (const [index, picture] of plots.slice(0, mostPlots).entries())
    void pictures.show({ place: { channel, thread }, picture, key: `${id}/${index}` });
}

async function ask(
  parts: SlackParts,
  question: Question,
  onEvent: (event: TurnEvent) => void,
): Promise<{ text: string; blocks: SlackBlock[] }> {
  const { assistant, chat, signal } = parts;
  const { person, channel, thread, text } = question;
  if (assistant === undefined)
    return { text: '', blocks: slackBlocks([{ text: 'No language model is configured.' }, { text: withoutModel }]) };
  const place = { channel, thread, person: person.name };
  const caller = slackCaller(person);
  try {
    const known = await chat.conversation(place);
    if (known === undefined) await giveTitle(parts, question);
    const begin = (conversation?: string) =>
      assistant.ask({ caller, text, signal, onEvent, ...(conversation !== undefined && { conversation }) });
    const turn = await begin(known).catch((thrown: unknown) => {
      const isForgotten = known !== undefined && thrown instanceof FleetError && thrown.code === 'not_found';
      if (!isForgotten) throw thrown;
      return begin();
    });
    await chat.setConversation(place, turn.conversation);
    return { text: turn.text, blocks: slackBlocks(groundsOf(turn), notes) };
  } catch (thrown) {
    const safe = shownError(parts, thrown, 'a question in Slack failed');
    const failed: Block[] = [{ text: withoutModel, tone: 'muted' }, ...errorAnswer(safe)];
    return { text: '', blocks: slackBlocks(failed, notes) };
  }
}

/** In the history of the conversations with us; decoration, without which all goes on. */
async function giveTitle({ client }: SlackParts, { channel, thread, text }: Question): Promise<void> {
  if (!channel.startsWith('D') || text === '') return;
  const title = { channel_id: channel, thread_ts: thread, title: escaped(line(text, longestTitle)) };
  await client.call('assistant.threads.setTitle', title).catch(() => undefined);
}

function groundsOf(turn: Turn): Block[] {
  const { cited } = turn;
  const named = `It stands on ${cited.map(({ result }) => result).join(', ')} above.`;
  return [...(cited.length > 0 ? [{ text: named, tone: 'muted' as const }] : []), ...turnNotes(turn)];
}

function changesSomething({ catalog }: SlackParts, name: string): boolean {
  const tool = catalog.find(each => each.name === name);
  return tool !== undefined && !isPlainRead(tool);
}
