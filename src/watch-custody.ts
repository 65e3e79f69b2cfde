/** The custody log beside its anchors, as every process has it: compared before anything acts, and looked after from then on. */
import type { Logger } from 'pino';
import { fileAnchor } from './adapters/anchors/file-anchor.ts';
import { gitAnchor } from './adapters/anchors/git-anchor.ts';
import type { Config } from './config.ts';
import type { Anchor } from './core/anchor.ts';
import { FleetError } from './core/errors.ts';
import type { Records } from './core/records.ts';
import { Anchoring } from './guard/custody/anchoring.ts';
import type { CustodyLog } from './guard/custody/log.ts';
import { Standstill } from './guard/custody/standstill.ts';
import type { Opened } from './opened.ts';

const lookEveryMs = 10_000;

type Watched = { config: Config; records: Records; custody: CustodyLog; log: Logger };

export async function watchCustody({ config, records, custody, log }: Watched, opened: Opened) {
  const { anchors, anchorEntries, anchorEveryMs, maxAnchorAgeMs } = config.custody;
  const anchoring = new Anchoring({
    anchors: await Promise.all(anchors.map(each => anchorOf(each, config, opened))),
    log: custody,
    custody: records.custody,
    store: records.anchors,
    every: { entries: anchorEntries, ms: anchorEveryMs },
    onChange: ({ anchor, failing }) =>
      failing
        ? log.error({ anchor, problem: failing.problem }, 'an anchor of the custody log fails')
        : log.info({ anchor }, 'an anchor of the custody log is reached again'),
  });
  const standstill = new Standstill({
    records,
    custody,
    anchoring,
    maxAnchorAgeMs,
    onChange: status =>
      status.state === 'none'
        ? log.info('the custody log is reconciled; effects may happen')
        : log.error(status, 'nothing has an effect'),
  });
  await standstill.begin();
  const looking = setInterval(() => {
    standstill
      .look()
      .catch((error: unknown) => log.error({ error: FleetError.from(error) }, 'the anchors could not be looked at'));
  }, lookEveryMs);
  opened.add(looking, async timer => clearInterval(timer));
  return { anchoring, standstill };
}

type Place = Config['custody']['anchors'][number];

async function anchorOf(place: Place, { slack }: Config, opened: Opened): Promise<Anchor> {
  if ('file' in place) return fileAnchor(place.file);
  if ('git' in place) return gitAnchor(place.git);
  if (!slack) throw new Error('an anchor is in Slack, and none is configured');
  const { checkpointAnchor } = await import('./surfaces/slack/checkpoint-anchor.ts');
  const { slackClient } = await import('./surfaces/slack/slack-client.ts');
  const { signal } = opened.add(new AbortController(), async stop => stop.abort());
  return checkpointAnchor(slackClient({ token: slack.botToken.reveal(), apiUrl: slack.apiUrl, signal }), place.slack);
}
