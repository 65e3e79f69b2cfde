/**
 * Slack: nothing of the service waits for it. Bolt hears, over a socket or by
 * signed requests; what is said back goes through a client of our own.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { App, type types } from '@slack/bolt';
import { FleetError } from '../../core/errors.ts';
import type { PostStore } from '../../core/posts.ts';
import type { Secret } from '../../core/secret.ts';
import type { ServiceDoor } from '../../gateway/door.ts';
import { keepAnnouncing } from './announce.ts';
import { commandAnswer, notTaken, showPrivately } from './commands.ts';
import { stayConnected } from './connection.ts';
import { hearDecisions } from './decide.ts';
import { createEvents } from './events.ts';
import { hearQuestions } from './hear-questions.ts';
import { hearHome } from './home.ts';
import { type IdentityParts, identifier } from './identity.ts';
import { doneAt } from './in-time.ts';
import type { SlackParts } from './parts.ts';
import { createPictures } from './pictures.ts';
import { type SignedHttpOptions, signedHttp } from './signed-http.ts';
import { silentLogger } from './silent-logger.ts';
import { slackClient, surely } from './slack-client.ts';
import { socketMode } from './socket-mode.ts';
import { createTimelines, type TimelineParts } from './timelines.ts';

export type SlackOptions = Pick<SlackParts, 'chat' | 'catalog' | 'log'> & {
  settings: {
    botToken: Secret;
    way: { appToken: Secret } | SignedHttpOptions;
    workspace: string;
    channel: string;
    apiUrl: string;
  };
  /** Those who are linked to a member of the workspace. */
  linked: IdentityParts['linked'];
  people: IdentityParts['people'];
  door: Pick<ServiceDoor, 'gateway' | 'assistant' | 'reads' | 'records' | 'approvals' | 'standing' | 'planCard'>;
  /** What was posted, and where people decide in a browser. */
  posts: PostStore;
  fleet: TimelineParts['fleet'];
  page(): string;
};

export type RunningSlack = { close(): Promise<void> };

const goodbyeMs = 1_000;

/**
 * Begins to connect and does not wait for it; Slack being away is told in the log, once for each time.
 * Throws where it is to listen and cannot.
 */
export async function startSlack({
  settings,
  linked,
  people,
  door,
  posts,
  page,
  fleet,
  ...rest
}: SlackOptions): Promise<RunningSlack> {
  const { way, workspace, apiUrl, channel } = settings;
  const { log } = rest;
  const stop = new AbortController();
  const { signal } = stop;
  const token = settings.botToken.reveal();
  const client = slackClient({ token, apiUrl, signal });
  const pictures = createPictures({ client, log, signal });
  const timelines = createTimelines({ posts, pictures, channel, fleet, records: door.records });
  const identify = identifier({ workspace, linked, people, client, signal });
  const parts: SlackParts = { ...rest, ...door, client, pictures, identify, workspace, signal };
  const events = createEvents(parts);

  const transport = 'appToken' in way ? socketMode({ ...way, apiUrl }) : await signedHttp(way, log);
  const self = { user: '', bot: '' };
  const app = new App({
    receiver: transport.receiver,
    logger: silentLogger,
    clientOptions: { slackApiUrl: apiUrl, retryConfig: { retries: 0 }, rejectRateLimitedCalls: true },
    authorize: async () => ({ botToken: token, botId: self.bot, botUserId: self.user, teamId: workspace }),
    convoStore: false,
  });
  hearHome(app, { client, identify, events, log, signal, gateway: door.gateway });
  hearDecisions(app, { client, identify, log, signal, events, door });
  const announcing = keepAnnouncing({ client, posts, channel, door, page, timelines, log, signal });
  hearQuestions(app, parts, { events, self: () => self.user });
  app.command('/groundskeeper', async ({ command, ack, respond, context }) => {
    const done = doneAt(context);
    await ack();
    const { trigger_id, channel_id: channel, user_id: user, team_id: team, text } = command;
    await events.once({ id: `command/${trigger_id}`, channel, thread: '' }, async () => {
      const answer = await commandAnswer(parts, { sender: { user, team }, text, done });
      const { text: notice, blocks } = answer.message;
      const response = { response_type: 'ephemeral', text: notice, blocks: blocks as types.AnyBlock[] } as const;
      await surely(signal, () => respond(response).catch(notTaken));
      if (answer.pictures.length > 0) void showPrivately(parts, { user, pictures: answer.pictures, key: trigger_id });
    });
  });
  app.error(async error => log.error({ error: FleetError.from(error).message }, 'something in Slack was not handled'));

  const connected = stayConnected({
    connect: transport.connect,
    signal,
    async check() {
      const { team_id, user_id, bot_id } = await client.call('auth.test', {});
      Object.assign(self, { user: user_id, bot: bot_id });
      if (team_id === workspace) return;
      throw new FleetError({
        code: 'invalid_config',
        message: `the bot token belongs to the workspace ${String(team_id)}, not to ${workspace}`,
        hint: 'slack.workspace in groundskeeper.yaml names the workspace that the app is installed in',
      });
    },
    onConnected: () => void events.tellInterrupted(),
    onTrouble: thrown => {
      const { message, hint } = FleetError.from(thrown);
      log.warn({ reason: message, hint }, 'Slack cannot be reached; everything else goes on, and it is tried again');
    },
    onBack: () => log.info({}, 'Slack is reached again'),
  });

  return {
    async close() {
      stop.abort();
      await Promise.race([transport.close(), delay(goodbyeMs, undefined, { ref: false })]);
      await Promise.all([connected, announcing]);
      await events.idle();
      await pictures.idle();
    },
  };
}
