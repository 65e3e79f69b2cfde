/** Digests as messages in a channel. */
import type { Block } from '../../core/document.ts';
import { fallbackText, slackBlocks } from './blocks/render-blocks.ts';
import { type SlackClient, slackClient } from './slack-client.ts';

type Digest = { name: string; due: string; blocks: Block[] };
type Posting = { signal: AbortSignal };

export type ChannelSinkOptions = { token: string; apiUrl: string; channel: string };

/** Goes on trying for a quarter of an hour; what stands there already, though its answer was lost, is not sent again. */
export function channelSink({
  channel,
  ...to
}: ChannelSinkOptions): (digest: Digest, posting: Posting) => Promise<void> {
  return async ({ name, due, blocks }, { signal }) => {
    const client: SlackClient = slackClient({ ...to, signal });
    const message = { text: fallbackText(blocks), blocks: slackBlocks(blocks) };
    await client.postSurely({ channel }, message, `digest/${name}/${due}`);
  };
}
