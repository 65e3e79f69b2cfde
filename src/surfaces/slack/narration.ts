/**
 * An answer in a thread while it comes into being: a card for each call, and
 * the words as they are said. Slack's streams show it best and can only grow;
 * where they fail, or what was said is void, a message of ours is changed
 * instead, as often as need be. Either way one message is left, and it says
 * what is known at the end.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { FleetError } from '../../core/errors.ts';
import { harmlessMarkdown, settled } from './blocks/markdown.ts';
import { bullets, piece, richText, section } from './blocks/rich-text.ts';
import { charactersOf, escaped, line, lines } from './blocks/text.ts';
import { type Message, type Place, type SlackClient, SlackRefusal, surely } from './slack-client.ts';

export type Task = { id: string; title: string; status: 'in_progress' | 'complete' | 'error' };

/** `short`: what must be told whatever Slack takes, such as how a change stands. */
export type Ending = { text: string; blocks: readonly object[]; short: readonly object[] };

export type NarrationParts = {
  client: SlackClient;
  place: Place & { thread: string };
  /** Whom a stream in a channel is for. */
  recipient: { user: string; team: string };
  /** Names the message among those that were posted. */
  key: string;
  /** Timestamp of what is answered. */
  asked: string;
  signal: AbortSignal;
  onTrouble(error: unknown): void;
};

/** Slack takes some hundred pieces of streams a minute, of all conversations together. */
const paceMs = 1_000;
const longestTitle = 150;
/** Of tasks, words and what stands below them together; Slack takes about 13,000. */
const mostCharacters = 12_000;
/** Of the words while they are said; at the end they take what tasks and blocks leave of the room. */
const longestWords = 8_000;
const fewestWords = 500;
/** Of the words where Slack refused the whole. */
const shortWords = 1_500;
/** Slack's words for a message that it would take if it were another one. */
const unfit = new Set(['msg_blocks_too_long', 'msg_too_long', 'invalid_blocks', 'invalid_blocks_format']);
/** Streams carry no key: these are known to be somebody's. */
const known = new Set<string>();
const cutNote = '\n\n… (cut here: ask for less at once)';

export class Narration {
  readonly #parts: NarrationParts;
  readonly #tasks = new Map<string, Task>();
  /** What stands of it: replies that ended, and the one that is being said. */
  #said = '';
  #saying = '';
  #mode: 'stream' | 'message' = 'stream';
  #at: string | undefined;
  #streamIsOpen = false;
  /** A stream may stand there whose name nobody told us. */
  #mayStream = false;
  /** What Slack holds of it, as far as we know. */
  #streamed = { text: '', tasks: new Map<string, Task['status']>() };
  #sent = '';
  #loop: Promise<void> | undefined;
  readonly #over = Promise.withResolvers<void>();
  #isOver = false;

  constructor(parts: NarrationParts) {
    this.#parts = parts;
  }

  say(text: string): void {
    this.#saying += text;
    this.#stir();
  }

  /** What was said since the last call is void. */
  again(): void {
    this.#saying = '';
    this.#stir();
  }

  task(task: Task): void {
    this.#said = this.#words();
    this.#saying = '';
    this.#tasks.set(task.id, { ...task, title: line(task.title, longestTitle) });
    this.#stir();
  }

  done(id: string, ok: boolean): void {
    const task = this.#tasks.get(id);
    if (task) this.#tasks.set(id, { ...task, status: ok ? 'complete' : 'error' });
    this.#stir();
  }

  /**
   * The last word, with blocks of ours below it: `text` takes the place of what was said since the last call. Returns once Slack has
   * it, however long Slack is away. What Slack refuses for what it is comes as the words, cut, and `short`; throws where Slack
   * takes neither.
   */
  async end({ text, blocks, short }: Ending): Promise<void> {
    this.#isOver = true;
    this.#over.resolve();
    await this.#loop;
    this.#saying = text;
    const left = mostCharacters - this.#taskCharacters() - charactersOf(blocks);
    const words = this.#shown({ whole: true, most: Math.min(longestWords, Math.max(fewestWords, left)) });
    if (this.#streamIsOpen && (await this.#closeStream(words, blocks))) return;
    const message = this.#message(words);
    try {
      await this.#sendMessage({ ...message, blocks: [...message.blocks, ...blocks] }, { last: true });
    } catch (thrown) {
      if (!(thrown instanceof SlackRefusal) || !unfit.has(thrown.error)) throw thrown;
      this.#parts.onTrouble(thrown);
      await this.#sendMessage(this.#shortMessage(short), { last: true });
    }
  }

  #stir(): void {
    this.#loop ??= this.#run();
  }

  async #run(): Promise<void> {
    while (!this.#isOver && this.#isBehind()) {
      await this.#send().catch(this.#parts.onTrouble);
      await Promise.race([delay(paceMs, undefined, { ref: false }), this.#over.promise]);
    }
    this.#loop = undefined;
  }

  async #send(): Promise<void> {
    const words = this.#shown({ whole: false });
    if (this.#mode === 'stream' && words.startsWith(this.#streamed.text)) return this.#stream(words);
    this.#mode = 'message';
    await this.#sendMessage(this.#message(words), { last: false });
  }

  /** From the first failure on nobody knows what the stream holds, and the same message is changed instead. */
  async #stream(words: string): Promise<void> {
    const { client, place, recipient } = this.#parts;
    const chunks = this.#news(words);
    // As they are sent: one that begins or ends while the piece is on its way comes with the next.
    const tasks = new Map([...this.#tasks].map(([id, { status }]) => [id, status]));
    try {
      if (this.#at === undefined) {
        const { channel, thread } = place;
        const to = { recipient_user_id: recipient.user, recipient_team_id: recipient.team };
        const { ts } = await client.call('chat.startStream', { channel, thread_ts: thread, ...to, chunks });
        this.#streamsAt(String(ts));
      } else await client.call('chat.appendStream', { channel: place.channel, ts: this.#at, chunks });
      this.#streamed = { text: words, tasks };
    } catch (thrown) {
      this.#mode = 'message';
      this.#mayStream = this.#at === undefined && isAmbiguous(thrown);
      throw thrown;
    }
  }

  #streamsAt(at: string): void {
    known.add(at);
    this.#at = at;
    this.#streamIsOpen = true;
  }

  /** Where the answer to its start was lost: of our messages since the question the one without a key that is nobody's, and no plot. */
  async #takeUpStream(): Promise<void> {
    const { client, place, asked } = this.#parts;
    const self = await client.self();
    for await (const { ts, user, metadata, files = [] } of client.messages(place)) {
      const isOurs = user === self && metadata === undefined && files.length === 0;
      if (isOurs && Number(ts) > Number(asked) && !known.has(ts)) this.#streamsAt(ts);
    }
    this.#mayStream = false;
  }

  /** Whether that was all: a stream can only grow, so other words than those it holds need the message changed. */
  async #closeStream(words: string, blocks: readonly object[]): Promise<boolean> {
    const { client, place, onTrouble } = this.#parts;
    if (this.#mode === 'message' || !words.startsWith(this.#streamed.text)) return false;
    try {
      const chunks = this.#news(words);
      await client.call('chat.stopStream', { channel: place.channel, ts: this.#at, chunks, blocks });
      this.#streamIsOpen = false;
      return true;
    } catch (thrown) {
      onTrouble(thrown);
      return false;
    }
  }

  async #sendMessage(message: Message, { last }: { last: boolean }): Promise<void> {
    const { client, place, key, signal } = this.#parts;
    if (this.#mayStream) await (last ? surely(signal, () => this.#takeUpStream()) : this.#takeUpStream());
    const at = this.#at;
    if (at === undefined) this.#at = await client.postSurely(place, message, key);
    else
      await (last ? surely(signal, () => this.#change(at, message)) : this.#change(at, message)).catch(async thrown => {
        if (!last || !isRefused(thrown, 'message_not_found')) throw thrown;
        this.#at = await client.postSurely(place, message, key);
      });
    this.#sent = JSON.stringify(message);
  }

  /** Slack changes no message that is still streamed. */
  async #change(at: string, message: Message): Promise<void> {
    const { client, place } = this.#parts;
    if (this.#streamIsOpen) {
      await client.call('chat.stopStream', { channel: place.channel, ts: at }).catch(thrown => {
        if (!isRefused(thrown, 'message_not_in_streaming_state')) throw thrown;
      });
      this.#streamIsOpen = false;
    }
    await client.update(place.channel, at, message);
  }

  #news(words: string): object[] {
    const { text, tasks } = this.#streamed;
    return [
      ...[...this.#tasks.values()]
        .filter(({ id, status }) => tasks.get(id) !== status)
        .map(({ title, ...task }) => ({ type: 'task_update', ...task, title: escaped(title) })),
      ...(words.length > text.length ? [{ type: 'markdown_text', text: words.slice(text.length) }] : []),
    ];
  }

  #message(words: string): Message {
    const marks = { in_progress: '…', complete: '✓', error: '✗' };
    const tasks = [...this.#tasks.values()].map(({ title, status }) => [piece(`${marks[status]} ${title}`)]);
    return {
      text: line(words.trim() || 'Groundskeeper answers', longestTitle),
      blocks: [
        ...(tasks.length > 0 ? [richText([bullets(tasks)])] : []),
        ...(words.trim() === '' ? [] : [{ type: 'markdown', text: words }]),
      ],
    };
  }

  #shortMessage(below: readonly object[]): Message {
    const words = lines(this.#words().trim(), shortWords);
    const note = 'The whole answer is more than Slack takes: ask for less at once.';
    const said = words === '' ? [] : [richText([section([piece(words)])])];
    return {
      text: escaped(line(words || note, longestTitle)),
      blocks: [...said, richText([section([piece(note, { italic: true })])]), ...below],
    };
  }

  #taskCharacters(): number {
    return [...this.#tasks.values()].reduce((sum, { title }) => sum + escaped(title).length + 2, 0);
  }

  #words(): string {
    return [this.#said, this.#saying].filter(each => each.trim() !== '').join('\n\n');
  }

  #shown({ whole, most = longestWords }: { whole: boolean; most?: number }): string {
    const words = this.#words();
    const harmless = harmlessMarkdown(whole ? words : settled(words));
    return harmless.length <= most ? harmless : `${withoutHalf(harmless.slice(0, most - cutNote.length))}${cutNote}`;
  }

  #isBehind(): boolean {
    const words = this.#shown({ whole: false });
    if (this.#mode === 'message') return JSON.stringify(this.#message(words)) !== this.#sent;
    return !words.startsWith(this.#streamed.text) || this.#news(words).length > 0;
  }
}

/** A cut may leave half of a letter, or of what stands for one. */
function withoutHalf(text: string): string {
  return text.replace(/(?:&[a-z]{0,3}|[\ud800-\udbff])$/, '');
}

function isAmbiguous(thrown: unknown): boolean {
  return thrown instanceof FleetError && thrown.code === 'ambiguous';
}

function isRefused(thrown: unknown, error: string): boolean {
  return thrown instanceof SlackRefusal && thrown.error === error;
}
