/**
 * The composition of what every process has: configuration → adapters → guard
 * → engine. A worker is this alone; the service adds what there is one of at a
 * time. Processes share nothing but the database.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { ownChecks } from './adapters/gates/own-checks.ts';
import { openImageListener } from './adapters/images/image-listener.ts';
import { openClusters } from './adapters/kubernetes/open-clusters.ts';
import { openDatabase } from './adapters/postgres/database.ts';
import { joinEmbeddedPostgres } from './adapters/postgres/embedded.ts';
import { type Config, directoryOf } from './config.ts';
import { type BmcLimits, openConfiguredBmcs } from './configured-bmcs.ts';
import { configuredLogIns } from './configured-log-ins.ts';
import type { CustodyEntry } from './core/custody.ts';
import { FleetError } from './core/errors.ts';
import { allNodes, fleetNow } from './core/fleet.ts';
import type { Timings } from './core/timings.ts';
import { type RunningEngine, startEngine } from './engine/engine.ts';
import { createApprovals } from './guard/approvals.ts';
import { createAuthority } from './guard/authority.ts';
import { concluder } from './guard/conclude.ts';
import { closeEnded } from './guard/custody/close-open.ts';
import { Evidence } from './guard/custody/evidence.ts';
import { loadServiceKey } from './guard/custody/evidence-seal.ts';
import { KeyFiles } from './guard/custody/key-ring.ts';
import { namesKey } from './guard/custody/key-succession.ts';
import { CustodyLog } from './guard/custody/log.ts';
import type { DirectoryStatus } from './guard/directory-groups.ts';
import { effectPerformer } from './guard/effects.ts';
import { createFreezes } from './guard/freezes.ts';
import { evidenceKeeper } from './guard/keep-evidence.ts';
import { LivePolicy, type PolicyStatus } from './guard/policy/live-policy.ts';
import { steering } from './guard/steer.ts';
import { planStorer } from './guard/store-plan.ts';
import { savedWatch } from './health/saved-watch.ts';
import { Opened } from './opened.ts';
import type { Parts } from './operations/job.ts';
import { siteWindows } from './operations/site-windows.ts';
import { startTakeOver } from './take-over.ts';
import { watchCustody } from './watch-custody.ts';
import { recoveryOffers } from './workflows/offer-recovery.ts';
import { planWorkflows } from './workflows/run-plan.ts';

const fileLookMs = 1000;
const evidenceKeyFile = 'evidence.key';

export type WorkerOptions = {
  config: Config;
  log: Logger;
  databaseUrl: string;
  /** Called once, when another process has taken over: nothing that this one does counts any more. */
  onReplaced(error: FleetError): void;
  /** What runs the workflows; DBOS unless said. */
  startEngine?: typeof startEngine;
  limits?: BmcLimits;
};

export type Worker = Awaited<ReturnType<typeof openWorker>>;

/** Takes part in the work from the moment that it resolves until `opened` is closed. */
export async function openWorker(options: WorkerOptions, opened: Opened) {
  const { config, log, databaseUrl, onReplaced } = options;
  const { fleet, rollout, service } = config;
  const policy = new LivePolicy({
    dir: config.policiesDir,
    directory: directoryOf(config),
    record: digest => note('policy.loaded', digest),
    onChange: status => tellPolicy(status, log),
  });
  const records = opened.add(await openDatabase(databaseUrl, { lock: true }), db => db.close());
  const { life } = records;
  const keyFiles = new KeyFiles(service.dataDir, service.origin);
  const keys = await keyFiles.load(key => namesKey(records.custody, key));
  const custody = new CustodyLog({ store: records.custody, keys, reload: () => keyFiles.current() });
  const evidence = new Evidence({ custody, serviceKey: await loadServiceKey(join(service.dataDir, evidenceKeyFile)) });
  const { anchoring, standstill } = await watchCustody({ config, records, custody, log }, opened);

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
  const bmcs = opened.add(
    openConfiguredBmcs(config, records, { mayWrite: () => life.prove(), ...options.limits }),
    open => open.end(),
  );
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

  const { people, directory, logins, provePresence, doors } = await configuredLogIns(config, records);
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
  const configured = fleetNow(fleet);
  const { budgetOf } = configured;
  const authority = standstill.guard(createAuthority({ records, policy, people, windowOf, budgetOf, breakGlassGroup }));
  // What is asked for needs approvals, and these launch the very workflows that ask.
  const offers = Promise.withResolvers<Parts['offerRecovery']>();
  const parts: Parts = {
    bmcs,
    clusters,
    images,
    records,
    hardware: savedWatch({ servers, states: records.healthStates }),
    ownChecks: ownChecks(rollout.ownChecks),
    windowOf,
    perform: effectPerformer({ records, custody, authority, announce: () => standstill.announce() }),
    keepEvidence: evidenceKeeper({ records, evidence, authority }),
    offerRecovery: async (node, why) => (await offers.promise)(node, why),
    ...configured,
    timings,
  };
  const { runPlan, all } = planWorkflows(parts, concluder({ records, custody, people }));
  await note('started', life.executor);
  await note('policy.loaded', policy.digest);
  opened.add(policy.watch(fileLookMs), stop => stop());
  if (directory) {
    await note('directory.loaded', directory.status.digest);
    const told = (status: DirectoryStatus) =>
      tellDirectory(status, { log, note: digest => note('directory.loaded', digest) });
    opened.add(directory.watch(fileLookMs, told), stop => stop());
  }
  const { executor } = life;
  let engine: RunningEngine | undefined;
  opened.add(undefined, async () => engine?.close());
  const begin = async () => {
    const { alone } = records;
    engine = await (options.startEngine ?? startEngine)({ databaseUrl, executor, workflows: all, alone });
  };
  await standstill.onceClear(begin, error => log.fatal({ error }, 'the engine did not start; start the process again'));
  // What begins before there is an engine is launched by the take-over.
  const launch = async (operation: string) => engine?.start(runPlan, operation, null);
  const takeOver = opened.add(
    startTakeOver({
      ...{ life, bmcs, launch, log, onReplaced, operations: records.operations },
      engine: () => engine,
      closeEnded: () => closeEnded(records, custody),
    }),
    duty => duty.stop(),
  );

  const approvals = createApprovals({
    records,
    custody,
    policy,
    authority,
    people,
    provePresence,
    limits,
    launch,
    notLaunched: (operation, error) => log.warn({ operation, error: FleetError.from(error) }, 'not launched yet'),
    announce: notice => log.warn(notice, 'break-glass: an operation begins without its votes'),
  });
  const freezes = createFreezes({ records, custody, policy, provePresence });
  const steer = steering({ records, custody, policy, provePresence });
  const storePlan = planStorer({ records, custody, policy, planTtlMs: rollout.planTtlMs });
  offers.resolve(recoveryOffers({ fleet, bmcs, clusters, records, storePlan, requestStart: approvals.requestStart }));
  return {
    ...{
      records,
      custody,
      evidence,
      anchoring,
      keyFiles,
      standstill,
      policy,
      people,
      clusters,
      bmcs,
      servers,
      logins,
      doors,
      authority,
      approvals,
      freezes,
      steer,
      storePlan,
      timings,
    },
    /** Resolves once this process is the one that serves. */
    serves: takeOver.serves,
    /** To be awaited before what it recorded is closed. Told where it can be: what was opened is closed whatever becomes of it. */
    stopping: () =>
      note('stopped', 'by request').catch(thrown =>
        log.warn({ error: FleetError.from(thrown) }, 'its end could not be recorded'),
      ),
  };

  async function note(
    action: 'started' | 'stopped' | 'policy.loaded' | 'directory.loaded',
    detail: string,
  ): Promise<void> {
    await custody.append({
      type: 'service',
      action,
      detail,
      actor: { sub: 'service', groups: [] },
      via: { channel: 'service' },
    } satisfies CustodyEntry);
  }
}

export type RunningWorker = { executor: string; close(): Promise<void> };

/**
 * Starts a process that works on operations and serves nobody. Throws invalid_config where the service's keys are not at
 * hand: a key of its own would sign another history, or seal evidence that the service cannot read.
 */
export async function startWorker({
  config,
  log,
  onReplaced,
  limits = {},
}: Omit<WorkerOptions, 'databaseUrl'>): Promise<RunningWorker> {
  const { dataDir } = config.service;
  const missing = ['custody.key', evidenceKeyFile].find(file => !existsSync(join(dataDir, file)));
  if (missing !== undefined)
    throw new FleetError({
      code: 'invalid_config',
      message: `a worker needs the service's ${missing} in ${dataDir}`,
      hint: 'start groundskeeper serve first, and copy the file from there to other hosts',
    });
  const databaseUrl =
    config.databaseUrl === 'embedded'
      ? await joinEmbeddedPostgres({ dataDir: join(dataDir, 'postgres') })
      : config.databaseUrl.reveal();
  const opened = new Opened();
  try {
    const worker = await openWorker({ config, log, databaseUrl, onReplaced, limits }, opened);
    return {
      executor: worker.records.life.executor,
      async close() {
        await worker.stopping();
        await opened.close(log);
      },
    };
  } catch (thrown) {
    await opened.close(log);
    throw thrown;
  }
}

function tellPolicy(status: PolicyStatus, log: Logger): void {
  const { digest } = status;
  if (status.state === 'current') log.info({ digest }, 'the policies in the folder are followed');
  else
    log.error({ digest, error: status.error }, 'the policies in the folder are not usable; those before stay in force');
}

/** In force already: rights are never wider than the file for want of a record, and each entry shows the groups of its actor. */
function tellDirectory(
  status: DirectoryStatus,
  { log, note }: { log: Logger; note(digest: string): Promise<void> },
): void {
  const { digest } = status;
  if (status.state === 'kept') {
    log.error({ digest, error: status.error }, 'the directory of groups is not usable; the one before stays in force');
    return;
  }
  log.info({ digest }, 'the directory of groups is followed');
  note(digest).catch(thrown =>
    log.warn({ error: FleetError.from(thrown) }, 'it could not be recorded which directory is followed'),
  );
}
