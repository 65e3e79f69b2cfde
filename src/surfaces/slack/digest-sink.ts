/** Digests as messages in a channel. */
import type { Block } from '../../core/document.ts';
import type { Picture } from '../../core/picture.ts';
import { fallbackText, slackBlocks } from './blocks/render-blocks.ts';
import { createPictures, type PictureParts } from './pictures.ts';
import { type SlackClient, slackClient } from './slack-client.ts';

type Digest = { name: string; due: string; blocks: Block[]; pictures: Picture[] };
type Posting = { signal: AbortSignal };

export type ChannelSinkOptions = { token: string; apiUrl: string; channel: string; log: PictureParts['log'] };

/**
 * Goes on trying for a quarter of an hour; what stands there already, though its answer was lost, is not sent again. Plots
 * follow in the thread, and nobody waits for them.
 */
export function channelSink({
  channel,
  log,
  ...to
}: ChannelSinkOptions): (digest: Digest, posting: Posting) => Promise<void> {
  return async ({ name, due, blocks, pictures }, { signal }) => {
    const client: SlackClient = slackClient({ ...to, signal });
    const message = { text: fallbackText(blocks), blocks: slackBlocks(blocks) };
    const key = `digest/${name}/${due}`;
    const thread = await client.postSurely({ channel }, message, key);
    const { show } = createPictures({ client, log, signal });
    for (const [index, picture] of pictures.entries())
      void show({ place: { channel, thread }, picture, key: `${key}/${index}` });
  };
}
