/** The custody log beside its anchors, as every process has it: compared before anything acts, and looked after from then on. */
import type { Logger } from 'pino';
import { openAnchors } from './adapters/anchors/open-anchors.ts';
import type { Config } from './config.ts';
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
    anchors: openAnchors(anchors),
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
