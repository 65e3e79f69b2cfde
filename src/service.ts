/**
 * The composition of the service: what every process has (see
 * worker.ts), and the surfaces and duties around it. It decides nothing.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { catalog } from '../tools/index.ts';
import { presentChange } from '../tools/parts/present-change.ts';
import { accessTokens } from './adapters/oidc/access-tokens.ts';
import { startEmbeddedPostgres } from './adapters/postgres/embedded.ts';
import { type Config, linksBy, secretsOf } from './config.ts';
import { configuredAssistant } from './configured-assistant.ts';
import type { BmcLimits } from './configured-bmcs.ts';
import { configuredDigests } from './configured-digests.ts';
import { FleetError } from './core/errors.ts';
import { redactor } from './core/redact.ts';
import { startDigests } from './digest/digests.ts';
import { createCustodyDesk } from './gateway/custody-desk.ts';
import { createGateway } from './gateway/gateway.ts';
import { recordReads } from './guard/record-reads.ts';
import { startDuty } from './health/duty.ts';
import { mcpTexts } from './mcp-texts.ts';
import { Opened } from './opened.ts';
import { firmwareDrift } from './planning/firmware-drift.ts';
import { planCard } from './planning/plan-card.ts';
import { openHttp } from './surfaces/http/server.ts';
import type { McpHttpParts } from './surfaces/mcp/http.ts';
import { openMetrics } from './surfaces/metrics/metrics.ts';
import { openWorker, type Worker } from './worker.ts';
import { type CordonDuty, startCordonDuty } from './workflows/cordon-duty.ts';

export type RunningService = {
  /** Its URL, once it is the one that serves: until then it works, and waits for the place of another. Rejects as a start does. */
  serving: Promise<string>;
  /** Takes the policy folder as it stands, without waiting for the next look at it. */
  reloadPolicy(): Promise<void>;
  close(): Promise<void>;
};

export type ServiceOptions = {
  config: Config;
  log: Logger;
  /** Called once, when another process has taken over: nothing that this one does counts any more. */
  onReplaced(error: FleetError): void;
  limits?: BmcLimits;
};

const checkpointEveryMs = 10_000;
const digestLookMs = 5_000;
const longestCordonLookMs = 60_000;

/**
 * Starts everything and resumes what an earlier life left in flight. Surfaces and duties, of which there is one at a time,
 * begin when no other process has them. What it opened is closed again when it throws.
 */
export async function startService({ config, log, onReplaced, limits = {} }: ServiceOptions): Promise<RunningService> {
  const opened = new Opened();
  try {
    const place = { isOurs: false };
    const databaseUrl = await database(config, opened, place);
    const worker = await openWorker({ config, log, databaseUrl, onReplaced, limits }, opened);
    const begun = worker.serves().then(async () => {
      place.isOurs = true;
      return serve({ config, log, worker }, opened);
    });
    begun.catch(() => undefined);
    return {
      serving: begun,
      reloadPolicy: () => worker.policy.reload(),
      async close() {
        await worker.stopping();
        if (place.isOurs) await worker.custody.checkpoint().catch(() => undefined); // the next start signs it
        await worker.standstill.announce().catch(() => undefined);
        await opened.close(log);
      },
    };
  } catch (thrown) {
    await opened.close(log);
    throw thrown;
  }
}

/** Everything that there is one of at a time. Answers the URL. */
async function serve(
  { config, log, worker }: { config: Config; log: Logger; worker: Worker },
  opened: Opened,
): Promise<string> {
  const { fleet, rollout, service } = config;
  const { records, custody, policy, clusters, bmcs, servers, logins, storePlan, timings, doors } = worker;
  const { approvals, freezes, steer, anchoring, evidence, keyFiles, standstill } = worker;
  let cordons: CordonDuty | undefined;
  const duty = opened.add(
    await startDuty({
      servers,
      bmcs,
      history: records.history,
      states: records.healthStates,
      archive: records.findings,
      logEntries: records.logEntries,
      everyMs: config.health.sampleEveryMs,
      compareFirmware: firmwareDrift(fleet),
      retention: { samplesMs: config.health.keepSamplesMs, rollupsMs: config.health.keepHistoryMs },
      onChange: findings => {
        for (const { node, site, kind, level, state, text } of findings)
          log.info({ node, site, kind, level, state }, `finding: ${text}`);
        cordons?.wake();
      },
      onError: error => log.warn({ error }, 'health could not be written down'),
    }),
    open => open.stop(),
  );

  await standstill.onceClear(act, error => log.fatal({ error }, 'duties did not begin; start the service again'));
  const health = {
    ...duty.watch,
    archive: records.findings,
    logEntries: records.logEntries,
    cordons: () => cordons?.status() ?? ({ state: 'off' } as const),
    resumeCordons: async () => cordons?.resume() ?? ({ state: 'off' } as const),
  };
  const policyStanding = () => policy.standing;
  const redact = redactor(secretsOf(config));
  const reads = recordReads({ policy, plans: records.plans });
  const gateway = createGateway({
    redact,
    catalog,
    fleet,
    clusters,
    bmcs,
    records,
    history: records.history,
    health,
    custody,
    evidence,
    policy,
    reads,
    approvals,
    freezes,
    steer,
    storePlan,
    rollout: { ...rollout, timings, hardwareWatched: config.health.sampleEveryMs !== 'off' },
    policyStanding,
    continuity: { standstill: () => standstill.status(), anchors: () => anchoring.status() },
    presentChange,
  });
  const assistant = await configuredAssistant(config, { gateway, catalog, store: records.conversations, redact });
  const digests = await configuredDigests(config, {
    gateway,
    runs: records.digestRuns,
    custody: records.custody,
    ...(assistant && { assistant }),
    log,
  });
  opened.add(startDigests(digests, { everyMs: digestLookMs, log }), duty => duty.stop());
  const { provePresence } = logins;
  const custodyDesk = createCustodyDesk({
    fleet,
    policy,
    custody,
    evidence,
    records,
    keyFiles,
    standstill,
    anchoring,
    provePresence,
  });
  const guard = { approvals, freezes, steer, custody, custodyDesk };
  const { mayBreakGlass } = worker.authority;
  const door = {
    policyStanding,
    mayBreakGlass,
    gateway,
    digests,
    ...(assistant && { assistant }),
    logins,
    ...doors,
    ...guard,
    reads,
    records,
    planCard,
    log,
  };
  if (config.metrics) {
    const own = {
      everyMs: config.health.sampleEveryMs,
      backlog: duty.watch.backlog,
      policyStanding,
      freezes: records.freezes,
      logIns: bmcs.logIns,
      hearings: bmcs.hearings,
      sessions: async () => (await records.sessions.list()).length,
    };
    opened.add(await openMetrics({ ...config.metrics, ...own, health, servers }), open => open.close());
  }
  const http = opened.add(
    await openHttp({
      ...service.listen,
      publicUrl: service.publicUrl,
      door,
      fleet,
      ...(await mcpOverHttp(config, worker)),
    }),
    open => open.close(),
  );

  if (config.slack) {
    const { startSlack } = await import('./surfaces/slack/slack.ts');
    const linked = linksBy(config, 'slack');
    const page = () => service.publicUrl ?? http.url;
    const own = { people: worker.people, catalog, chat: records.chat, posts: records.posts, fleet, page, log };
    opened.add(await startSlack({ settings: config.slack, linked, door, ...own }), open => open.close());
  }

  const signing = setInterval(() => {
    custody
      .checkpoint()
      .catch((error: unknown) => log.error({ error: FleetError.from(error) }, 'the custody log could not be signed'));
  }, checkpointEveryMs);
  opened.add(signing, async timer => clearInterval(timer));
  return http.url;

  /** What writes to BMCs or asks for changes by itself. */
  async function act(): Promise<void> {
    await bmcs.listen(duty.hint);
    const { cordon, sampleEveryMs } = config.health;
    if (cordon === 'off' || sampleEveryMs === 'off') return;
    cordons = opened.add(
      await startCordonDuty({
        bmcs,
        clusters,
        records,
        hardware: duty.watch,
        states: records.healthStates,
        settings: cordon,
        clusterList: fleet.sites.flatMap(site => site.clusters),
        everyMs: Math.min(sampleEveryMs, longestCordonLookMs),
        storePlan,
        // Whichever process carries it out goes by what is written down.
        async requestStart(stored, caller) {
          await duty.watch.flush();
          return approvals.requestStart(stored, caller);
        },
        log,
      }),
      open => open.stop(),
    );
  }
}

/** An embedded Postgres ends with the process that serves, or that started it: one that only waits for its turn leaves it. */
async function database({ databaseUrl, service }: Config, opened: Opened, place: { isOurs: boolean }): Promise<string> {
  if (databaseUrl !== 'embedded') return databaseUrl.reveal();
  const postgres = await startEmbeddedPostgres({ dataDir: join(service.dataDir, 'postgres') });
  return opened.add(postgres, async server => (place.isOurs || server.started) && server.stop()).url;
}

/** Nothing unless it is configured, which takes an issuer. */
async function mcpOverHttp(config: Config, { people }: Worker): Promise<{ mcp?: McpHttpParts }> {
  const { mcp, oidc } = config;
  if (!mcp.http || oidc === undefined) return {};
  const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
  const own = { tokens: accessTokens(oidc.issuer), linked: linksBy(config, 'subject'), people };
  return { mcp: { ...own, scope: mcp.scope, catalog, texts: await mcpTexts(), version } };
}
