/** The methods of Slack's Web API that an app of our kind calls, answering as Slack does, errors included. */
import { randomUUID } from 'node:crypto';
import { blockProblems, charactersOf, mostMessageCharacters, viewProblems } from './block-limits.ts';
import type { SlackMessage, Workspace } from './workspace.ts';

type Json = Record<string, unknown>;
export type Args = Json & { channel?: string; ts?: string; thread_ts?: string; user?: string; text?: string };
export type Answer = { ok: boolean; error?: string } & Json;

/** Where a trigger came from, good once and for 3 seconds. */
export type Triggers = { use(id: string): 'ok' | 'expired_trigger_id' | 'exchanged_trigger_id' | 'invalid_trigger_id' };

const longestText = 40_000;
const longestMarkdown = 12_000;

const refused = (error: string, more: Json = {}): Answer => ({ ok: false, error, ...more });
const invalidBlocks = (problems: string[]) =>
  refused('invalid_blocks', {
    errors: problems,
    response_metadata: { messages: problems.map(each => `[ERROR] ${each}`) },
  });

export function webApi(
  workspace: Workspace,
  { triggers, uploadUrl }: { triggers: Triggers; uploadUrl(id: string): string },
): Record<string, (args: Args) => Answer> {
  const { team } = workspace;

  function contentProblem({ text, blocks, markdown_text, metadata }: Args): Answer | undefined {
    if (text !== undefined && text.length > longestText) return refused('msg_too_long');
    if (typeof markdown_text === 'string' && markdown_text.length > longestMarkdown) return refused('msg_too_long');
    if (!text && !markdown_text && !(Array.isArray(blocks) && blocks.length > 0)) return refused('no_text');
    if (markdown_text !== undefined && (text !== undefined || blocks !== undefined))
      return refused('markdown_text_conflict');
    if (blocks !== undefined) {
      const problems = blockProblems(blocks, 'message');
      if (problems.length > 0) return invalidBlocks(problems);
      if (charactersOf(blocks) > mostMessageCharacters) return refused('msg_blocks_too_long');
    }
    const { event_type, event_payload } = (metadata ?? {}) as Json;
    if (metadata !== undefined && (typeof event_type !== 'string' || typeof event_payload !== 'object'))
      return refused('invalid_metadata_format');
    return undefined;
  }

  function post(args: Args, ephemeralTo?: string): Answer {
    const channel = workspace.channelOf(String(args.channel));
    if (channel === undefined) return refused('channel_not_found');
    const problem = contentProblem(args);
    if (problem) return problem;
    if (args.thread_ts !== undefined && workspace.find(channel, args.thread_ts) === undefined)
      return refused('thread_not_found');
    if (ephemeralTo !== undefined && !workspace.channels.get(channel)?.has(ephemeralTo))
      return refused('user_not_in_channel');
    const message = workspace.add({
      channel,
      user: team.bot,
      ...contentOf(args),
      ...(args.thread_ts !== undefined && { thread_ts: args.thread_ts }),
      ...(ephemeralTo !== undefined && { ephemeralTo }),
      ...(args.metadata !== undefined && { metadata: args.metadata as SlackMessage['metadata'] }),
    });
    return ephemeralTo === undefined
      ? { ok: true, channel, ts: message.ts, message: shown(message) }
      : { ok: true, message_ts: message.ts };
  }

  function own({ channel, ts }: Args): SlackMessage | undefined {
    const message = workspace.find(String(channel), String(ts));
    return message?.user === team.bot && message.ephemeralTo === undefined ? message : undefined;
  }

  function streaming(
    args: Args,
  ): { message: SlackMessage; stream: NonNullable<SlackMessage['stream']> } | { problem: Answer } {
    const message = own(args);
    if (message === undefined) return { problem: refused('message_not_found') };
    if (!message.stream?.open) return { problem: refused('message_not_in_streaming_state') };
    return { message, stream: message.stream };
  }

  function append(stream: NonNullable<SlackMessage['stream']>, { markdown_text, chunks }: Args): Answer | undefined {
    const all = [
      ...(typeof markdown_text === 'string' ? [{ type: 'markdown_text', text: markdown_text }] : []),
      ...(Array.isArray(chunks) ? (chunks as Json[]) : []),
    ];
    for (const { type, text, id, title, status } of all) {
      if (type === 'markdown_text' && typeof text === 'string' && text.length > longestMarkdown)
        return refused('msg_too_long');
      const known =
        (type === 'markdown_text' && typeof text === 'string') ||
        (type === 'plan_update' && typeof title === 'string') ||
        (type === 'task_update' &&
          typeof id === 'string' &&
          typeof title === 'string' &&
          ['pending', 'in_progress', 'complete', 'error'].includes(String(status)));
      if (!known) return refused('invalid_chunks');
    }
    for (const chunk of all)
      if (chunk.type === 'markdown_text') stream.text += chunk.text;
      else if (chunk.type === 'task_update') stream.tasks.set(String(chunk.id), chunk);
    return undefined;
  }

  /** Pages as Slack gives them: a channel from its newest message on, a thread from its oldest. */
  function replies(args: Args, chosen: (message: SlackMessage) => boolean, newestFirst = false): Answer {
    const channel = workspace.channelOf(String(args.channel));
    if (channel === undefined) return refused('channel_not_found');
    const all = workspace.messages.filter(
      each => each.channel === channel && !each.deleted && each.ephemeralTo === undefined && chosen(each),
    );
    const metadata = String(args.include_all_metadata) === 'true';
    if (newestFirst) all.reverse();
    const from = Number(args.cursor ?? 0);
    const to = from + Number(args.limit ?? 100);
    const more = all.length > to;
    return {
      ok: true,
      messages: all.slice(from, to).map(each => shown(each, metadata)),
      has_more: more,
      ...(more && { response_metadata: { next_cursor: String(to) } }),
    };
  }

  function openView(args: Args): Answer {
    const used = triggers.use(String(args.trigger_id));
    if (used !== 'ok') return refused(used);
    const view = args.view as Json;
    const problems = viewProblems(view);
    if (problems.length > 0) return invalidBlocks(problems);
    const id = `V${randomUUID().slice(0, 8).toUpperCase()}`;
    const opened = { ...view, id, hash: randomUUID() };
    workspace.views.set(id, opened);
    return { ok: true, view: opened };
  }

  return {
    'auth.test': () => ({ ok: true, team_id: team.id, user_id: team.bot, bot_id: team.botId, user: 'groundskeeper' }),
    'users.info': ({ user }) => {
      const known = workspace.users.get(String(user));
      return known ? { ok: true, user: known } : refused('user_not_found');
    },
    'conversations.open': ({ users }) => {
      const channel = workspace.channelOf(String(users));
      return channel === undefined ? refused('user_not_found') : { ok: true, channel: { id: channel } };
    },
    'conversations.history': args =>
      replies(args, ({ thread_ts, ts }) => thread_ts === undefined || thread_ts === ts, true),
    'conversations.replies': args =>
      replies(args, ({ thread_ts, ts }) => thread_ts === String(args.ts) || ts === String(args.ts)),
    'chat.postMessage': args => post(args),
    'chat.postEphemeral': args => post(args, String(args.user)),
    'chat.update': args => {
      const message = own(args);
      if (message === undefined) return refused('message_not_found');
      if (message.stream?.open) return refused('streaming_state_conflict');
      const problem = contentProblem(args);
      if (problem) return problem;
      Object.assign(message, contentOf(args), { edits: message.edits + 1 });
      if (message.stream) message.stream = { open: false, text: '', tasks: new Map() };
      return { ok: true, channel: message.channel, ts: message.ts, text: message.text };
    },
    'chat.delete': args => {
      const message = own(args);
      if (message === undefined) return refused('message_not_found');
      message.deleted = true;
      return { ok: true, channel: message.channel, ts: message.ts };
    },
    'chat.startStream': args => {
      const channel = workspace.channelOf(String(args.channel));
      if (channel === undefined) return refused('channel_not_found');
      if (args.thread_ts === undefined) return refused('missing_thread_ts');
      if (!channel.startsWith('D') && args.recipient_user_id === undefined) return refused('missing_recipient_user_id');
      if (!channel.startsWith('D') && args.recipient_team_id === undefined) return refused('missing_recipient_team_id');
      const stream = { open: true, text: '', tasks: new Map<string, Json>() };
      const problem = append(stream, args);
      if (problem) return problem;
      const { ts } = workspace.add({ channel, user: team.bot, thread_ts: args.thread_ts, stream });
      return { ok: true, channel, ts };
    },
    'chat.appendStream': args => {
      const found = streaming(args);
      if ('problem' in found) return found.problem;
      return append(found.stream, args) ?? { ok: true, channel: args.channel, ts: args.ts };
    },
    'chat.stopStream': args => {
      const found = streaming(args);
      if ('problem' in found) return found.problem;
      const problems = args.blocks === undefined ? [] : blockProblems(args.blocks, 'message');
      if (problems.length > 0) return invalidBlocks(problems);
      const whole = { ...found.stream, tasks: new Map(found.stream.tasks) };
      const problem = append(whole, args);
      if (problem) return problem;
      const titles = [...whole.tasks.values()].map(({ title }) => String(title)).join('');
      if (whole.text.length + titles.length + charactersOf(args.blocks) > mostMessageCharacters)
        return refused('msg_blocks_too_long');
      Object.assign(found.stream, whole, { open: false });
      if (Array.isArray(args.blocks)) found.message.blocks = args.blocks as Json[];
      return { ok: true, channel: args.channel, ts: args.ts };
    },
    'reactions.add': args => {
      const message = workspace.find(String(args.channel), String(args.timestamp));
      if (message === undefined) return refused('message_not_found');
      if (message.reactions.includes(String(args.name))) return refused('already_reacted');
      message.reactions.push(String(args.name));
      return { ok: true };
    },
    'assistant.threads.setStatus': ({ channel_id, thread_ts, status }) => {
      workspace.statuses.push({ channel: String(channel_id), thread: String(thread_ts), status: String(status) });
      return { ok: true };
    },
    'assistant.threads.setTitle': ({ channel_id, thread_ts, title }) => {
      if (!title) return refused('invalid_arguments');
      workspace.titles.set(`${channel_id} ${thread_ts}`, String(title));
      return { ok: true };
    },
    'assistant.threads.setSuggestedPrompts': ({ channel_id, thread_ts, prompts }) => {
      if (!Array.isArray(prompts) || prompts.length === 0 || prompts.length > 4) return refused('invalid_arguments');
      workspace.prompts.push({ channel: String(channel_id), thread: String(thread_ts), prompts });
      return { ok: true };
    },
    'views.open': openView,
    'views.push': openView,
    'views.update': args => {
      const known = workspace.views.get(String(args.view_id));
      if (known === undefined) return refused('not_found');
      if (args.hash !== undefined && args.hash !== known.hash) return refused('hash_conflict');
      const problems = viewProblems(args.view as Json);
      if (problems.length > 0) return invalidBlocks(problems);
      const view = { ...(args.view as Json), id: known.id, hash: randomUUID() };
      workspace.views.set(known.id, view);
      return { ok: true, view };
    },
    'views.publish': args => {
      if (!workspace.users.has(String(args.user_id))) return refused('user_not_found');
      const view = args.view as Json;
      const problems = viewProblems(view);
      if (problems.length > 0) return invalidBlocks(problems);
      const published = { ...view, id: `V${args.user_id}`, hash: randomUUID() };
      workspace.homes.set(String(args.user_id), published);
      return { ok: true, view: published };
    },
    'files.getUploadURLExternal': ({ filename, length }) => {
      if (!filename || !(Number(length) > 0)) return refused('invalid_arguments');
      const id = `F${randomUUID().slice(0, 8).toUpperCase()}`;
      workspace.uploads.set(id, { name: String(filename), bytes: Buffer.alloc(0) });
      return { ok: true, upload_url: uploadUrl(id), file_id: id };
    },
    'files.completeUploadExternal': args => {
      const files = args.files as { id: string }[];
      if (files.some(({ id }) => (workspace.uploads.get(id)?.bytes.length ?? 0) === 0))
        return refused('file_not_found');
      const channel = workspace.channelOf(String(args.channel_id));
      if (channel === undefined) return refused('channel_not_found');
      workspace.add({
        channel,
        user: team.bot,
        text: String(args.initial_comment ?? ''),
        files: files.map(({ id }) => ({ id, name: String(workspace.uploads.get(id)?.name) })),
        ...(args.thread_ts !== undefined && { thread_ts: String(args.thread_ts) }),
      });
      return { ok: true, files };
    },
  };
}

function contentOf({ text, blocks, markdown_text }: Args): Pick<SlackMessage, 'text' | 'blocks'> {
  return {
    text: text ?? String(markdown_text ?? ''),
    blocks: (blocks as Json[] | undefined) ?? [],
  };
}

function shown({ ts, thread_ts, user, text, blocks, metadata, files }: SlackMessage, withMetadata = false) {
  return { type: 'message', ts, thread_ts, user, text, blocks, files, ...(withMetadata && metadata && { metadata }) };
}
