/** What a workspace holds: people, channels, and every message as it stands now and as it stood before. */

export type SlackUser = {
  id: string;
  team_id: string;
  name: string;
  is_bot: boolean;
  deleted: boolean;
  is_restricted: boolean;
  is_ultra_restricted: boolean;
  is_stranger?: boolean;
};

export type SlackMessage = {
  channel: string;
  ts: string;
  thread_ts?: string;
  user: string;
  text: string;
  blocks: Record<string, unknown>[];
  metadata?: { event_type: string; event_payload: Record<string, unknown> };
  /** Whom alone it was shown to. */
  ephemeralTo?: string;
  /** Streamed text by pieces, and the state of each task. */
  stream?: { open: boolean; text: string; tasks: Map<string, Record<string, unknown>> };
  deleted: boolean;
  edits: number;
  files: { id: string; name: string }[];
  reactions: string[];
};

export type Team = {
  id: string;
  /** The app's own user. */
  bot: string;
  botId: string;
  appId: string;
};

export class Workspace {
  readonly team: Team = { id: 'T0HOME', bot: 'U0KEEPER', botId: 'B0KEEPER', appId: 'A0KEEPER' };
  readonly users = new Map<string, SlackUser>();
  /** Channels that the app is in, with those who are there; direct messages begin with D. */
  readonly channels = new Map<string, Set<string>>();
  readonly messages: SlackMessage[] = [];
  /** What each person sees on the app's home tab. */
  readonly homes = new Map<string, Record<string, unknown>>();
  readonly views = new Map<string, Record<string, unknown> & { id: string; hash: string }>();
  readonly statuses: { channel: string; thread: string; status: string }[] = [];
  /** Of threads with the app, by channel and thread. */
  readonly titles = new Map<string, string>();
  readonly prompts: { channel: string; thread: string; prompts: { title: string; message: string }[] }[] = [];
  readonly uploads = new Map<string, { name: string; bytes: Buffer }>();
  #clock = 1_790_000_000_000_000;

  addUser(id: string, more: Partial<SlackUser> = {}): void {
    this.users.set(id, {
      id,
      team_id: this.team.id,
      name: id.toLowerCase(),
      is_bot: false,
      deleted: false,
      is_restricted: false,
      is_ultra_restricted: false,
      ...more,
    });
    this.channels.set(`D${id.slice(1)}`, new Set([id]));
  }

  /** Of the direct conversation for a user's id, as posts may name it. */
  channelOf(named: string): string | undefined {
    const id = /^[UW]/.test(named) ? `D${named.slice(1)}` : named;
    return this.channels.has(id) ? id : undefined;
  }

  nextTs(): string {
    this.#clock += 1_000;
    return `${Math.floor(this.#clock / 1e6)}.${String(this.#clock % 1e6).padStart(6, '0')}`;
  }

  add(message: Pick<SlackMessage, 'channel' | 'user'> & Partial<SlackMessage>): SlackMessage {
    const full: SlackMessage = {
      ts: this.nextTs(),
      text: '',
      blocks: [],
      deleted: false,
      edits: 0,
      files: [],
      reactions: [],
      ...message,
    };
    this.messages.push(full);
    return full;
  }

  find(channel: string, ts: string): SlackMessage | undefined {
    return this.messages.find(each => each.channel === channel && each.ts === ts && !each.deleted);
  }
}
