/**
 * Clicks on cards. A button carries the id of a request or an operation and
 * nothing else; who clicked comes from Slack's signed connection, and who that
 * is, whether they may, and what stands now is asked at the click. Whatever
 * does not count is said to the clicker alone.
 */
import type { App } from '@slack/bolt';
import type { Person } from '../../core/fleet.ts';
import type { ServiceDoor } from '../../gateway/door.ts';
import { actions } from './approval-card.ts';
import { type Events, refusal } from './events.ts';
import { doneAt, inTime } from './in-time.ts';
import { operationActions } from './operation-card.ts';
import { type SlackParts, shownError, slackCaller } from './parts.ts';
import { reasonIn, reasonMissing, reasonModal } from './reason-modal.ts';
import { type OpenView, openReview, reviewActions, turnReview } from './review.ts';
import { type Message, surely } from './slack-client.ts';

export type DecideParts = Pick<SlackParts, 'client' | 'identify' | 'log' | 'signal'> & {
  events: Events;
  door: Pick<ServiceDoor, 'approvals' | 'gateway' | 'planCard' | 'reads'> & {
    records: Pick<ServiceDoor['records'], 'plans' | 'approvals'>;
  };
};

type Click = {
  user: string;
  team: string | undefined;
  channel: string;
  trigger: string;
  /** What the button carries. */
  about: string;
  /** In which it was pressed, where that is no message. */
  view?: OpenView;
  /** Of this very press. */
  id: string;
  /** When it was, in milliseconds since 1970. */
  done: number;
};

type Work = (click: Click, person: Person) => Promise<void>;

type Pressed = {
  user: { id: string; team_id?: string };
  channel?: { id: string };
  trigger_id: string;
  view?: OpenView;
  actions: { action_id: string; action_ts: string; value?: string }[];
};

const reject = 'approval-rejected';

export function hearDecisions(app: App, parts: DecideParts): void {
  const { client } = parts;
  const on = (action: string, work: Work) =>
    app.action(action, async ({ ack, body, context }) => {
      const click = clickOf(body as unknown as Pressed, context);
      await ack();
      await pressed(parts, click, work);
    });

  on(actions.review, ({ about, trigger }, person) =>
    openReview(parts, { about, trigger, caller: slackCaller(person) }),
  );
  const turn =
    (by: 1 | -1): Work =>
    async ({ view }, person) => {
      if (view) await turnReview(parts, { view, by, caller: slackCaller(person) });
    };
  on(reviewActions.next, turn(1));
  on(reviewActions.previous, turn(-1));
  on(actions.approve, (click, person) => vote(parts, { click, person, vote: 'approve', reason: '' }));
  on(actions.reject, async ({ about, trigger, channel }) => {
    await client.call('views.open', { trigger_id: trigger, view: rejecting({ about, channel }) });
  });
  // The link opens in the browser of whoever pressed it; Slack only wants to be told that it was heard.
  app.action(actions.page, async ({ ack }) => ack());
  on(operationActions.pause, (click, person) => steer(parts, { click, person, tool: 'pauseOperation' }));
  on(operationActions.cancel, (click, person) => steer(parts, { click, person, tool: 'cancelOperation' }));

  app.view(reject, async ({ ack, body, view, context }) => {
    const done = doneAt(context);
    const reason = reasonIn(view);
    if (reason === '') return ack(reasonMissing('Whoever asked reads it, and it stays on record.'));
    await ack();
    const { about, channel } = JSON.parse(view.private_metadata) as { about: string; channel: string };
    const { id: user, team_id: team } = body.user;
    const click = { user, team, channel, trigger: '', about, id: `view/${view.id}`, done };
    await pressed(parts, click, (each, person) => vote(parts, { click: each, person, vote: 'reject', reason }));
  });
}

function rejecting(about: object) {
  const [title, label] = ['Reject the request', 'Why? A rejection is final.'];
  return reasonModal({ callback: reject, title, submit: 'Reject', label, about });
}

/** Does it once, for a person that we know, and tells the clicker alone what went wrong. */
async function pressed(parts: DecideParts, click: Click, work: Work): Promise<void> {
  const { events, client, signal } = parts;
  const { user, channel, id } = click;
  await events.once({ id: `click/${id}`, channel, thread: '' }, async () => {
    const refused = await refusalOf(parts, click, work);
    if (refused) await surely(signal, () => client.call('chat.postEphemeral', { channel, user, ...refused }));
  });
}

/** Why it was not done, if so. */
async function refusalOf(parts: DecideParts, click: Click, work: Work): Promise<Message | undefined> {
  const { user, team } = click;
  try {
    const found = await parts.identify({ user, ...(team !== undefined && { team }) }, { soon: true });
    if ('refused' in found) return refusal(found.refused);
    await work(click, found.person);
    return undefined;
  } catch (thrown) {
    const { message, hint } = shownError(parts, thrown, 'a click in Slack failed');
    return refusal(message, hint);
  }
}

type Ballot = { click: Click; person: Person; vote: 'approve' | 'reject'; reason: string };

async function vote({ door }: DecideParts, { click, person, vote: cast, reason }: Ballot): Promise<void> {
  inTime(click.done);
  const presence = { by: 'chat-click', member: click.user } as const;
  await door.approvals.vote({ approval: click.about, vote: cast, reason, presence }, slackCaller(person));
}

async function steer(
  { door }: DecideParts,
  { click, person, tool }: { click: Click; person: Person; tool: string },
): Promise<void> {
  inTime(click.done);
  await door.gateway.invoke({ tool, input: { operation: click.about }, caller: slackCaller(person) });
}

function clickOf(
  { user, channel, trigger_id, view, actions: [action] }: Pressed,
  sent: Record<string, unknown>,
): Click {
  const { action_id, action_ts, value } = action ?? { action_id: '', action_ts: '', value: '' };
  return {
    user: user.id,
    team: user.team_id,
    channel: channel?.id ?? user.id,
    trigger: trigger_id,
    about: value ?? '',
    ...(view && { view }),
    id: `${user.id}/${action_id}/${value}/${action_ts}`,
    done: doneAt(sent, action_ts),
  };
}
