/** What people do in Slack, as it reaches an app: mentions, direct messages, commands, clicks. */
import { randomUUID } from 'node:crypto';
import type { Courier, Delivery } from './socket.ts';
import type { Triggers } from './web-api.ts';
import type { SlackMessage, Workspace } from './workspace.ts';

type Said = { user: string; text: string; channel?: string; thread?: string };
/** What else Slack tells of a message, such as its files. */
type More = Record<string, unknown>;
/** `event_id` of one that was delivered; it comes again as Slack sends it when an acknowledgement was lost. */
export type Event = Delivery & { id: string; ts: string; redeliver(): Delivery };
/** Posted to a response address, where only the one who asked sees it. */
export type Response = { user: string; text: string; blocks: Record<string, unknown>[]; replaces: boolean };

const triggerMs = 3000;

export class PeopleAtSlack implements Triggers {
  readonly responses: Response[] = [];
  readonly #workspace: Workspace;
  readonly #courier: Courier;
  readonly #origin: string;
  readonly #triggers = new Map<string, { at: number; used: boolean }>();
  /** Of the clicks, in microseconds. */
  #newest = 0;
  readonly #responseUsers = new Map<string, { user: string; left: number }>();

  constructor(workspace: Workspace, courier: Courier, origin: string) {
    this.#workspace = workspace;
    this.#courier = courier;
    this.#origin = origin;
  }

  /** In a channel: `@Groundskeeper <text>`. */
  mention({ user, text, channel = 'C0OPS', thread }: Said, more: More = {}): Event {
    const { bot } = this.#workspace.team;
    const said = this.#say({ user, text: `<@${bot}> ${text}`, channel, thread });
    return this.#event({ type: 'app_mention', ...said, ...more }, said.ts);
  }

  /** In the direct conversation with the app; `thread` as the Assistant surface has it. */
  direct({ user, text, thread }: Omit<Said, 'channel'>): Event {
    const said = this.#say({ user, text, channel: `D${user.slice(1)}`, thread });
    return this.#event({ type: 'message', channel_type: 'im', ...said }, said.ts);
  }

  /** Opens the Assistant's window; `thread` is the thread that it begins. */
  openAssistant(user: string): Event {
    const channel = `D${user.slice(1)}`;
    const { ts } = this.#workspace.add({ channel, user: this.#workspace.team.bot, text: 'New conversation' });
    const assistant_thread = { user_id: user, channel_id: channel, thread_ts: ts, context: {} };
    return this.#event({ type: 'assistant_thread_started', assistant_thread }, ts);
  }

  openHome(user: string): Event {
    return this.#event({ type: 'app_home_opened', user, channel: `D${user.slice(1)}`, tab: 'home' }, '');
  }

  /** Any event, such as one that no client of Slack's would send. */
  send(event: Record<string, unknown>, body: Record<string, unknown> = {}): Event {
    return this.#event(event, String(event.ts ?? ''), body);
  }

  command({ user, text, channel = 'C0OPS' }: Said, body: Record<string, unknown> = {}): Delivery {
    const { team } = this.#workspace;
    return this.#courier.deliver({
      type: 'slash_commands',
      payload: {
        token: 'verification',
        team_id: team.id,
        team_domain: 'home',
        api_app_id: team.appId,
        is_enterprise_install: 'false',
        command: '/groundskeeper',
        text,
        channel_id: channel,
        channel_name: 'ops',
        user_id: user,
        user_name: user.toLowerCase(),
        response_url: this.#responseUrl(user),
        trigger_id: this.trigger(),
        ...body,
      },
    });
  }

  /** A click on the button of that action in a message as it stands now; throws where there is none. */
  click(user: string, message: SlackMessage, actionId: string, body: Record<string, unknown> = {}): Delivery {
    const { bot } = this.#workspace.team;
    const button = buttonsIn(message.blocks).find(({ action_id }) => action_id === actionId);
    if (button === undefined) throw new Error(`the message has no button ${actionId}`);
    return this.#interaction(user, {
      type: 'block_actions',
      container: { type: 'message', message_ts: message.ts, channel_id: message.channel },
      channel: { id: message.channel },
      message: { type: 'message', user: bot, ts: message.ts, text: message.text, blocks: message.blocks },
      response_url: this.#responseUrl(user),
      actions: [{ ...button, type: 'button', action_ts: this.#now() }],
      ...body,
    });
  }

  /** Submits a modal; `values` by block and action. */
  submit(user: string, viewId: string, values: Record<string, Record<string, Record<string, unknown>>> = {}): Delivery {
    const view = this.#workspace.views.get(viewId);
    if (view === undefined) throw new Error(`there is no view ${viewId}`);
    const submitted = { ...view, state: { values } };
    return this.#interaction(user, { type: 'view_submission', view: submitted, response_urls: [] });
  }

  use(id: string): ReturnType<Triggers['use']> {
    const trigger = this.#triggers.get(id);
    if (trigger === undefined) return 'invalid_trigger_id';
    if (trigger.used) return 'exchanged_trigger_id';
    if (performance.now() - trigger.at > triggerMs) return 'expired_trigger_id';
    trigger.used = true;
    return 'ok';
  }

  /** A post to a response address: five times at most, as Slack allows. */
  respond(path: string, body: Buffer): string {
    const place = this.#responseUsers.get(path);
    if (place === undefined || place.left === 0) return 'used_url';
    place.left -= 1;
    const { text = '', blocks = [], replace_original = false } = JSON.parse(body.toString());
    this.responses.push({ user: place.user, text, blocks, replaces: replace_original });
    return 'ok';
  }

  #interaction(user: string, payload: Record<string, unknown>): Delivery {
    const { team, users } = this.#workspace;
    return this.#courier.deliver({
      type: 'interactive',
      payload: {
        team: { id: team.id, domain: 'home' },
        user: { id: user, team_id: users.get(user)?.team_id, username: user.toLowerCase() },
        api_app_id: team.appId,
        token: 'verification',
        trigger_id: this.trigger(),
        ...payload,
      },
    });
  }

  #say({ user, text, channel, thread }: Said & { channel: string }) {
    const { ts } = this.#workspace.add({ channel, user, text, ...(thread !== undefined && { thread_ts: thread }) });
    const team = this.#workspace.users.get(user)?.team_id;
    return { user, text, channel, ts, event_ts: ts, team, user_team: team, ...(thread && { thread_ts: thread }) };
  }

  #event(event: Record<string, unknown>, ts: string, body: Record<string, unknown> = {}): Event {
    const { team } = this.#workspace;
    const id = `Ev${randomUUID().slice(0, 12).toUpperCase()}`;
    const payload = {
      token: 'verification',
      team_id: team.id,
      api_app_id: team.appId,
      event,
      type: 'event_callback',
      event_id: id,
      event_time: Math.floor(Date.now() / 1000),
      authorizations: [{ enterprise_id: null, team_id: team.id, user_id: team.bot, is_bot: true }],
      is_ext_shared_channel: false,
      ...body,
    };
    const deliver = () => this.#courier.deliver({ type: 'events_api', payload });
    return { id, ts, redeliver: deliver, ...deliver() };
  }

  /** Slack's time of a click, by its own clock. */
  #now(): string {
    this.#newest = Math.max(this.#newest + 1, Date.now() * 1000);
    return (this.#newest / 1e6).toFixed(6);
  }

  /** Of anything that a person did, good for a window. */
  trigger(): string {
    const id = `${Date.now()}.${randomUUID()}`;
    this.#triggers.set(id, { at: performance.now(), used: false });
    return id;
  }

  #responseUrl(user: string): string {
    const path = `/respond/${randomUUID()}`;
    this.#responseUsers.set(path, { user, left: 5 });
    return `${this.#origin}${path}`;
  }
}

type Button = { action_id: string; block_id?: string; value?: string };

function buttonsIn(value: unknown): Button[] {
  if (Array.isArray(value)) return value.flatMap(buttonsIn);
  if (typeof value !== 'object' || value === null) return [];
  const here = 'type' in value && value.type === 'button' ? [value as unknown as Button] : [];
  return [...here, ...Object.values(value).flatMap(buttonsIn)];
}
