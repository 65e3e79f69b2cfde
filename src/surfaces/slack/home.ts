/**
 * The app's home: what a shift looks at first, as the tools say it, in the name
 * of the one who opens it. Freezing is one button, as it is one call everywhere;
 * going on is not decided in a chat.
 */
import type { App } from '@slack/bolt';
import type { Block } from '../../core/document.ts';
import { errorBlocks, slackBlocks } from './blocks/render-blocks.ts';
import { type Events, refusal } from './events.ts';
import { doneAt, inTime } from './in-time.ts';
import { type SlackParts, shownError, slackCaller } from './parts.ts';
import { plainText, reasonIn, reasonMissing, reasonModal } from './reason-modal.ts';
import type { Message } from './slack-client.ts';

export type HomeParts = Pick<SlackParts, 'client' | 'identify' | 'gateway' | 'log' | 'signal'> & { events: Events };

const freeze = 'home-freeze';
const frozen = 'home-frozen';
const freezing = reasonModal({
  callback: frozen,
  title: 'Freeze all changes',
  submit: 'Freeze',
  label: 'Why? It stands until a person lifts it elsewhere.',
});
export const homeRoom = { blocks: 90, characters: 60_000 };

type Sender = { user: string; team?: string };

export function hearHome(app: App, parts: HomeParts): void {
  const { events, client, identify, gateway } = parts;

  app.event('app_home_opened', async ({ event, body }) => {
    if (event.tab !== 'home') return;
    const once = { id: body.event_id, channel: event.channel, thread: '' };
    await events.once(once, () => publish({ user: event.user, team: body.team_id }));
  });

  app.action(freeze, async ({ ack, body }) => {
    await ack();
    const { trigger_id } = body as unknown as { trigger_id: string };
    await events.once({ id: `click/${trigger_id}`, channel: body.user.id, thread: '' }, async () => {
      await client.call('views.open', { trigger_id, view: freezing });
    });
  });

  app.view(frozen, async ({ ack, body, view, context }) => {
    const done = doneAt(context);
    const reason = reasonIn(view);
    if (reason === '') return ack(reasonMissing('Everybody who meets the freeze reads it.'));
    await ack();
    const { id: user, team_id: team } = body.user;
    await events.once({ id: `view/${view.id}`, channel: user, thread: '' }, async () => {
      const sender = { user, ...(team !== undefined && { team }) };
      const refused = await freezeAll(sender, { reason, done });
      if (refused) await client.postSurely({ channel: user }, refused, `view/${view.id}/refused`);
      await publish(sender);
    });
  });

  /** Why nothing was frozen, if so. */
  async function freezeAll(
    sender: Sender,
    { reason, done }: { reason: string; done: number },
  ): Promise<Message | undefined> {
    try {
      const found = await identify(sender, { soon: true });
      if ('refused' in found) return refusal(found.refused);
      inTime(done);
      await gateway.invoke({ tool: 'freezeChanges', input: { reason }, caller: slackCaller(found.person) });
      return undefined;
    } catch (thrown) {
      const { message, hint } = shownError(parts, thrown, 'a freeze from Slack failed');
      return refusal(message, hint);
    }
  }

  async function publish(sender: Sender): Promise<void> {
    const blocks = await homeBlocks(parts, sender);
    await client.call('views.publish', { user_id: sender.user, view: { type: 'home', blocks } });
  }
}

async function homeBlocks(parts: HomeParts, sender: Sender): Promise<readonly object[]> {
  const { gateway, identify } = parts;
  try {
    const found = await identify(sender, { soon: true });
    if ('refused' in found) return slackBlocks([{ text: found.refused }]);
    const caller = slackCaller(found.person);
    const [overview, findings] = await Promise.all([
      gateway.invoke({ tool: 'getFleetOverview', input: { nodes: 'unwell' }, caller }),
      gateway.invoke({ tool: 'listFindings', input: {}, caller }),
    ]);
    return [freezeButton(), ...slackBlocks(homeOrder(overview.blocks, findings.blocks), homeRoom)];
  } catch (thrown) {
    return errorBlocks(shownError(parts, thrown, 'the home of Slack could not be shown'));
  }
}

/** What waits for people, then what is wrong with the servers, then each site: what does not fit is cut from the end. */
export function homeOrder(overview: Block[], findings: Block[]): Block[] {
  const first = overview.findIndex(block => 'heading' in block);
  const sites = first === -1 ? overview.length : first;
  return [...overview.slice(0, sites), { heading: 'Below Kubernetes' }, ...findings, ...overview.slice(sites)];
}

function freezeButton(): object {
  const text = plainText('Freeze all changes');
  return { type: 'actions', elements: [{ type: 'button', action_id: freeze, style: 'danger', text }] };
}
