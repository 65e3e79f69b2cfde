/** Digests as the configuration describes them, and where they go. */
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import type { DigestRuns, Digests } from './core/digest-runs.ts';
import type { Records } from './core/records.ts';
import type { Assistant } from './core/talk.ts';
import { createDigests, type DigestSink } from './digest/digests.ts';
import type { Gateway } from './gateway/gateway.ts';
import { fileSink, outputSink } from './surfaces/digest/sinks.ts';

export async function configuredDigests(
  { digests, slack }: Config,
  parts: {
    gateway: Gateway;
    runs: DigestRuns;
    custody: Pick<Records['custody'], 'head'>;
    assistant?: Assistant;
    log: Logger;
  },
): Promise<Digests> {
  const { assistant, ...rest } = parts;
  const settings = await Promise.all(
    digests.map(async ({ to, ...digest }) => ({ ...digest, sinks: await Promise.all(to.map(sinkOf)) })),
  );
  return createDigests(settings, { ...rest, ...(assistant && { summarise: facts => assistant.summarise(facts) }) });

  async function sinkOf(place: Config['digests'][number]['to'][number]): Promise<DigestSink> {
    if ('file' in place) return fileSink(place.file, parts.log);
    if ('stdout' in place) return outputSink(text => void process.stdout.write(text));
    if (!slack) throw new Error('a digest goes to Slack, and none is configured');
    const { channelSink } = await import('./surfaces/slack/digest-sink.ts');
    return channelSink({ token: slack.botToken.reveal(), apiUrl: slack.apiUrl, channel: place.slack, log: parts.log });
  }
}
