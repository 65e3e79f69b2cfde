/** Digests as the configuration describes them. */
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import type { DigestRuns, Digests } from './core/digest-runs.ts';
import type { Records } from './core/records.ts';
import type { Assistant } from './core/talk.ts';
import { createDigests } from './digest/digests.ts';
import type { Gateway } from './gateway/gateway.ts';
import { fileSink, outputSink } from './surfaces/digest/sinks.ts';

export function configuredDigests(
  { digests }: Config,
  parts: {
    gateway: Gateway;
    runs: DigestRuns;
    custody: Pick<Records['custody'], 'head'>;
    assistant?: Assistant;
    log: Logger;
  },
): Digests {
  const { assistant, ...rest } = parts;
  const settings = digests.map(({ to, ...digest }) => ({
    ...digest,
    sinks: to.map(place =>
      'file' in place ? fileSink(place.file) : outputSink(text => void process.stdout.write(text)),
    ),
  }));
  return createDigests(settings, { ...rest, ...(assistant && { summarise: facts => assistant.summarise(facts) }) });
}
