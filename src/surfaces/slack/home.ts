/**
 * The app's home: what a shift looks at first, as the tools say it, in the name
 * of the one who opens it. Freezing is one button, as it is one call everywhere;
 * going on is not decided in a chat.
 */
import type { App, types } from '@slack/bolt';
import type { Block } from '../../core/document.ts';
import { FleetError } from '../../core/errors.ts';
import type { Person } from '../../core/fleet.ts';
import type { Caller } from '../../core/tool.ts';
import { errorBlocks, slackBlocks } from './blocks/render-blocks.ts';
import type { Events } from './events.ts';
import type { SlackParts } from './parts.ts';
import { refusalCard } from './refusal-card.ts';

export type HomeParts = Pick<SlackParts, 'client' | 'identify' | 'gateway' | 'log'> & { events: Events };

const freeze = 'home-freeze';
const frozen = 'home-frozen';
const reasonField = { block: 'reason', action: 'text' };
const room = { blocks: 90, characters: 60_000 };

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
      await client.call('views.open', { trigger_id, view: reasonView() });
    });
  });

  app.view(frozen, async ({ ack, body, view }) => {
    const reason = view.state.values[reasonField.block]?.[reasonField.action]?.value?.trim() ?? '';
    if (reason === '') {
      await ack({
        response_action: 'errors',
        errors: { [reasonField.block]: 'Everybody who meets the freeze reads it.' },
      });
      return;
    }
    await ack();
    const sender = { user: body.user.id, ...(body.user.team_id && { team: body.user.team_id }) };
    await events.once({ id: `view/${view.id}`, channel: sender.user, thread: '' }, async () => {
      const found = await identify(sender);
      const refused =
        'refused' in found
          ? found.refused
          : await gateway
              .invoke({ tool: 'freezeChanges', input: { reason }, caller: callerOf(found.person) })
              .then(() => undefined)
              .catch((thrown: unknown) => FleetError.from(thrown).message);
      if (refused !== undefined)
        await client.call('chat.postMessage', { channel: sender.user, ...refusalCard(refused, undefined) });
      await publish(sender);
    });
  });

  async function publish(sender: Sender): Promise<void> {
    const found = await identify(sender);
    const blocks = 'refused' in found ? slackBlocks([{ text: found.refused }]) : await homeBlocks(parts, found.person);
    await client.call('views.publish', { user_id: sender.user, view: { type: 'home', blocks } });
  }
}

async function homeBlocks({ gateway, log }: HomeParts, person: Person): Promise<object[]> {
  try {
    const caller = callerOf(person);
    const [overview, findings] = await Promise.all([
      gateway.invoke({ tool: 'getFleetOverview', input: {}, caller }),
      gateway.invoke({ tool: 'listFindings', input: {}, caller }),
    ]);
    const told: Block[] = [...overview.blocks, { heading: 'Below Kubernetes' }, ...findings.blocks];
    return [freezeButton(), ...slackBlocks(told, room)];
  } catch (thrown) {
    const error = FleetError.from(thrown);
    if (error.code === 'internal') log.error({ error: thrown }, 'the home of Slack could not be shown');
    return errorBlocks(error.code === 'internal' ? new FleetError({ code: 'internal', message: 'it failed' }) : error);
  }
}

function callerOf(person: Person): Caller {
  return { person, channel: 'slack', scope: 'execute' };
}

function freezeButton(): object {
  const text = plainText('Freeze all changes');
  return { type: 'actions', elements: [{ type: 'button', action_id: freeze, style: 'danger', text }] };
}

function reasonView(): types.ModalView {
  return {
    type: 'modal',
    callback_id: frozen,
    title: plainText('Freeze all changes'),
    submit: plainText('Freeze'),
    close: plainText('Back'),
    blocks: [
      {
        type: 'input',
        block_id: reasonField.block,
        label: plainText('Why? It stands until a person lifts it elsewhere.'),
        element: { type: 'plain_text_input', action_id: reasonField.action, max_length: 500 },
      },
    ],
  };
}

function plainText(text: string): types.PlainTextElement {
  return { type: 'plain_text', text, emoji: false };
}
