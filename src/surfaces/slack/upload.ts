/**
 * A file in a thread or channel. Slack takes one in three steps, of which only
 * the last shows: what comes before may be done again, and what was finished
 * and not answered is looked for by the file's name, which no other has.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { FleetError } from '../../core/errors.ts';
import { type Place, type SlackClient, surely } from './slack-client.ts';

export type Upload = {
  /** Says what it is about by itself, such as by a digest of its key. */
  name: string;
  title: string;
  /** What screen readers say of it. */
  alt: string;
  /** Asked for once it is known that the file is wanted. */
  bytes(): Promise<Uint8Array>;
};

export type UploadOptions = {
  client: SlackClient;
  signal: AbortSignal;
  /** An earlier life may have finished it. */
  mayStand?: boolean;
  /** Milliseconds between looks for a file: Slack shows one some seconds after it took it. */
  lookMs?: number;
};

const timeoutMs = 30_000;
const looks = 5;

/** Goes on trying for a quarter of an hour, as the client's own posts do, and throws as they do. */
export async function uploadSurely(
  place: Place,
  file: Upload,
  { client, signal, mayStand = false, lookMs = 2_000 }: UploadOptions,
): Promise<void> {
  if (mayStand && (await surely(signal, () => stands(client, place, file.name)))) return;
  const bytes = await file.bytes();
  const id = await surely(signal, () => handOver({ client, signal }, file, bytes));
  let mayBeDone = false;
  await surely(signal, async () => {
    for (let look = 0; mayBeDone && look < looks; look += 1) {
      if (await stands(client, place, file.name)) return;
      await delay(lookMs, undefined, { signal });
    }
    mayBeDone = true;
    await client.call('files.completeUploadExternal', {
      files: [{ id, title: file.title }],
      channel_id: place.channel,
      ...(place.thread !== undefined && { thread_ts: place.thread }),
    });
  });
}

/** Answers Slack's name of it. Nobody sees it yet. */
async function handOver({ client, signal }: UploadOptions, { name, alt }: Upload, bytes: Uint8Array): Promise<string> {
  const wanted = { filename: name, length: bytes.length, alt_txt: alt };
  const { upload_url, file_id } = await client.call('files.getUploadURLExternal', wanted);
  const until = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const sent = fetch(String(upload_url), { method: 'POST', body: Buffer.from(bytes), signal: until });
  const answer = await sent.catch((cause: unknown) => notTaken('no answer came', cause));
  await answer.body?.cancel();
  return answer.ok ? String(file_id) : notTaken(`HTTP ${answer.status}`);
}

function notTaken(why: string, cause?: unknown): never {
  throw new FleetError({
    code: 'service_unreachable',
    message: `Slack did not take the bytes of a file: ${why}`,
    cause,
  });
}

async function stands(client: SlackClient, place: Place, name: string): Promise<boolean> {
  for await (const { files = [] } of client.messages(place)) if (files.some(file => file.name === name)) return true;
  return false;
}
