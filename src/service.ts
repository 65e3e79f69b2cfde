/**
 * The composition of the service: configuration → adapters → guard → engine →
 * surfaces. The only place where they all meet; it decides nothing.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { catalog } from '../tools/index.ts';
import { presentChange } from '../tools/parts/present-change.ts';
import { ownChecks } from './adapters/gates/own-checks.ts';
import { openImageListener } from './adapters/images/image-listener.ts';
import { openClusters } from './adapters/kubernetes/open-clusters.ts';
import { openDatabase } from './adapters/postgres/database.ts';
import { startEmbeddedPostgres } from './adapters/postgres/embedded.ts';
import { type Config, directoryOf } from './config.ts';
import { openConfiguredBmcs } from './configured-bmcs.ts';
import { configuredLogIns } from './configured-log-ins.ts';
import { FleetError } from './core/errors.ts';
import { allNodes } from './core/fleet.ts';
import type { Timings } from './core/timings.ts';
import { startEngine } from './engine/engine.ts';
import { createGateway } from './gateway/gateway.ts';
import { createApprovals } from './guard/approvals.ts';
import { createAuthority } from './guard/authority.ts';
import { concluder } from './guard/conclude.ts';
import { CustodyLog } from './guard/custody/log.ts';
import { loadOrCreateKey, signer } from './guard/custody/signing-key.ts';
import { effectPerformer } from './guard/effects.ts';
import { createFreezes } from './guard/freezes.ts';
import { LivePolicy, type PolicyStatus } from './guard/policy/live-policy.ts';
import { planStorer } from './guard/store-plan.ts';
import { startDuty } from './health/duty.ts';
import type { Parts } from './operations/job.ts';
import { siteWindows } from './operations/site-windows.ts';
import { firmwareDrift } from './planning/firmware-drift.ts';
import { planCard } from './planning/plan-card.ts';
import { openHttp } from './surfaces/http/server.ts';
import { openMetrics } from './surfaces/metrics/metrics.ts';
import { type CordonDuty, startCordonDuty } from './workflows/cordon-duty.ts';
import { recoveryOffers } from './workflows/offer-recovery.ts';
import { planWorkflows } from './workflows/run-plan.ts';

export type RunningService = {
  url: string;
  /** Takes the policy folder as it stands, without waiting for the next look at it. */
  reloadPolicy(): Promise<void>;
  close(): Promise<void>;
};

const checkpointEveryMs = 10_000;
const policyLookMs = 1000;
const leftoverLimitMs = 10_000;
const longestCordonLookMs = 60_000;

/** What was opened, closed in the opposite order, also when opening fails halfway. */
class Opened {
  readonly #closers: (() => Promise<unknown>)[] = [];

  add<T>(thing: T, close: (thing: T) => Promise<unknown>): T {
    this.#closers.push(() => close(thing));
    return thing;
  }

  async close(log: Logger): Promise<void> {
    for (const close of this.#closers.splice(0).reverse())
      await close().catch((error: unknown) => log.warn({ error: FleetError.from(error) }, 'closing failed'));
  }
}

/** Starts everything and resumes what an earlier life left in flight. What it opened is closed again when it throws. */
export async function startService(config: Config, log: Logger): Promise<RunningService> {
  const opened = new Opened();
  try {
    return await compose(config, log, opened);
  } catch (thrown) {
    await opened.close(log);
    throw thrown;
  }
}

async function compose(config: Config, log: Logger, opened: Opened): Promise<RunningService> {
  const { fleet, rollout, service } = config;
  const policy = new LivePolicy({
    dir: config.policiesDir,
    directory: directoryOf(config),
    record: digest => note('policy.loaded', digest),
    onChange: status => tellPolicy(status, log),
  });
  const databaseUrl = await database(config, opened);
  const records = opened.add(await openDatabase(databaseUrl, { lock: true }), db => db.close());
  const key = await loadOrCreateKey(join(service.dataDir, 'custody.key'));
  const custody = new CustodyLog({ store: records.custody, signer: signer(service.origin, key) });

  const clusters = opened.add(
    openClusters({
      clusters: [...config.kubeconfigs].map(([name, kubeconfig]) =>
        'file' in kubeconfig
          ? { name, etcd: config.etcdEndpoints.get(name), kubeconfigFile: kubeconfig.file, context: kubeconfig.context }
          : { name, etcd: config.etcdEndpoints.get(name), ...kubeconfig },
      ),
    }),
    open => open.close(),
  );
  const bmcs = opened.add(await openConfiguredBmcs(config, records), open => open.end());
  const images = opened.add(
    await openImageListener({
      sites: config.imageListeners,
      catalogue: fleet.images,
      store: records.images,
      cacheDir: join(service.dataDir, 'images'),
    }),
    open => open.close(),
  );

  const servers = allNodes(fleet).map(({ name, site, server: { rack } }) => ({
    node: name,
    site,
    ...(rack === undefined ? {} : { rack }),
  }));
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

  bmcs.listen(duty.hint);

  const { people, logins, provePresence, doors } = await configuredLogIns(config, records);
  const timings: Timings = {
    pollMs: rollout.pollIntervalMs,
    drainMs: rollout.drainTimeoutMs,
    updateMs: rollout.updateTimeoutMs,
    rebootMs: rollout.rebootTimeoutMs,
    rejoinMs: rollout.rejoinTimeoutMs,
    resetSettleMs: rollout.resetSettleMs,
    stallMs: rollout.stallLimitMs,
    gateMs: rollout.gateTimeoutMs,
  };
  const windowOf = siteWindows({
    calendars: config.calendars,
    durations: records.durations,
    timings,
    marginMs: rollout.windowMarginMs,
  });
  const { breakGlassGroup, ...limits } = config.approvals;
  const authority = createAuthority({ records, policy, people, windowOf, breakGlassGroup });
  // What is asked for needs approvals, and these launch the very workflows that ask.
  const offers = Promise.withResolvers<Parts['offerRecovery']>();
  const parts: Parts = {
    bmcs,
    clusters,
    images,
    records,
    hardware: duty.watch,
    ownChecks: ownChecks(rollout.ownChecks),
    perform: effectPerformer({ records, custody, authority }),
    offerRecovery: async (node, why) => (await offers.promise)(node, why),
    timings,
  };
  const { runPlan, all } = planWorkflows(parts, concluder({ records, custody, people }));
  await note('started', `on ${hostname()}`);
  await note('policy.loaded', policy.digest);
  opened.add(policy.watch(policyLookMs), stop => stop());
  await closeLeftovers();
  const engine = opened.add(await startEngine({ databaseUrl, executor: 'service', workflows: all }), open =>
    open.close(),
  );
  const launch = (operation: string) => engine.start(runPlan, operation, null);
  for (const operation of await records.operations.list({ open: true, limit: 1000 })) await launch(operation.id);

  const approvals = createApprovals({
    records,
    custody,
    policy,
    authority,
    people,
    provePresence,
    limits,
    launch,
    announce: notice => log.warn(notice, 'break-glass: an operation begins without its votes'),
  });
  const freezes = createFreezes({ records, custody, policy, provePassphrase: logins.provePresence });
  const storePlan = planStorer({ records, custody, policy, planTtlMs: rollout.planTtlMs });
  offers.resolve(recoveryOffers({ fleet, bmcs, clusters, records, storePlan, requestStart: approvals.requestStart }));
  const { cordon, sampleEveryMs } = config.health;
  if (cordon !== 'off' && sampleEveryMs !== 'off') {
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
        requestStart: approvals.requestStart,
        log,
      }),
      open => open.stop(),
    );
  }
  const health = {
    ...duty.watch,
    archive: records.findings,
    logEntries: records.logEntries,
    cordons: () => cordons?.status() ?? ({ state: 'off' } as const),
    resumeCordons: async () => cordons?.resume() ?? ({ state: 'off' } as const),
  };
  const policyStanding = () => policy.standing;
  const gateway = createGateway({
    catalog,
    fleet,
    clusters,
    bmcs,
    records,
    history: records.history,
    health,
    custody,
    policy,
    approvals,
    freezes,
    storePlan,
    rollout: { ...rollout, timings, hardwareWatched: config.health.sampleEveryMs !== 'off' },
    policyStanding,
    presentChange,
  });
  const door = { policyStanding, gateway, logins, ...doors, approvals, freezes, custody, records, planCard, log };
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
  const http = opened.add(await openHttp({ ...service.listen, publicUrl: service.publicUrl, door, fleet }), open =>
    open.close(),
  );

  const signing = setInterval(() => {
    custody
      .checkpoint()
      .catch((error: unknown) => log.error({ error: FleetError.from(error) }, 'the custody log could not be signed'));
  }, checkpointEveryMs);
  return {
    url: http.url,
    reloadPolicy: () => policy.reload(),
    async close() {
      clearInterval(signing);
      await note('stopped', 'by request');
      await custody.checkpoint();
      await opened.close(log);
    },
  };

  /** Sessions of a life that ended without closing them; a BMC that does not answer is tried again at the end. */
  async function closeLeftovers(): Promise<void> {
    if ((await records.sessions.list()).length === 0) return;
    const closing = bmcs
      .closeAll()
      .catch((error: unknown) => log.warn({ error: FleetError.from(error) }, 'BMC sessions are left'));
    await Promise.race([closing, delay(leftoverLimitMs, undefined, { ref: false })]);
  }

  async function note(action: 'started' | 'stopped' | 'policy.loaded', detail: string): Promise<void> {
    await custody.append({
      type: 'service',
      action,
      detail,
      actor: { sub: 'service', groups: [] },
      via: { channel: 'service' },
    });
  }
}

function tellPolicy(status: PolicyStatus, log: Logger): void {
  const { digest } = status;
  if (status.state === 'current') log.info({ digest }, 'the policies in the folder are followed');
  else
    log.error({ digest, error: status.error }, 'the policies in the folder are not usable; those before stay in force');
}

async function database({ databaseUrl, service }: Config, opened: Opened): Promise<string> {
  if (databaseUrl !== 'embedded') return databaseUrl.reveal();
  const postgres = await startEmbeddedPostgres({ dataDir: join(service.dataDir, 'postgres') });
  return opened.add(postgres, server => server.stop()).url;
}
