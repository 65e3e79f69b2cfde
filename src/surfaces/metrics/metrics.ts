/** What the watch over servers knows, for Prometheus: read at each scrape, on a listener of its own, without any log-in. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Bmcs } from '../../core/bmc.ts';
import { FleetError } from '../../core/errors.ts';
import { isStanding } from '../../core/finding.ts';
import type { PolicyStanding } from '../../core/policy.ts';
import type { FreezeStore } from '../../core/records.ts';
import type { HealthReader } from '../../core/tool.ts';

export type MetricsOptions = {
  host: string;
  port: number;
  health: Pick<HealthReader, 'findings' | 'newest' | 'score'>;
  servers: { node: string; site: string }[];
  /** Milliseconds between two looks at a server. */
  everyMs: number | 'off';
  /** Samples that wait for the database, and those given up since the start. */
  backlog(): { waiting: number; dropped: number };
  logIns: Bmcs['logIns'];
  hearings: Bmcs['hearings'];
  policyStanding(): PolicyStanding;
  freezes: Pick<FreezeStore, 'standing'>;
  /** Sessions that are on record as open. */
  sessions(): Promise<number>;
};

/** Listens; throws `port_taken` naming the address. */
export async function openMetrics(options: MetricsOptions): Promise<{ url: string; close(): Promise<void> }> {
  const { host, port } = options;
  const registry = registryOf(options);
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    registry.metrics().then(
      text => response.writeHead(200, { 'Content-Type': registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new FleetError({
          code: error.code === 'EADDRINUSE' ? 'port_taken' : 'invalid_config',
          message: `metrics cannot be served on ${host}:${port} (${error.code})`,
          hint: 'change metrics.listen in groundskeeper.yaml',
          cause: error,
        }),
      ),
    );
    server.listen(port, host, resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${bound}/metrics`,
    close: () =>
      new Promise(done => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

function registryOf(options: MetricsOptions): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'groundskeeper_' });
  showServers(registry, options);
  showSampling(registry, options);
  showEvents(registry, options);
  showRules(registry, options);
  return registry;
}

function showServers(registry: Registry, { health, servers }: MetricsOptions): void {
  const place = ['site', 'node'];
  const gauge = gaugesOf(registry);
  gauge('sensor', 'Newest reading of a sensor; absent where there is none', [...place, 'sensor', 'unit'], sensor => {
    for (const { node, site, quantities, values } of health.newest())
      for (const [index, { name, unit }] of quantities.entries()) {
        const value = values[index];
        if (value !== null && value !== undefined) sensor.set({ site, node, sensor: name, unit }, value);
      }
  });
  gauge('bmc_up', 'Whether the BMC answered the newest look', place, up => {
    for (const { node, site, missing } of health.newest()) up.set({ site, node }, missing === undefined ? 1 : 0);
  });
  gauge('bmc_look_seconds', 'How long the newest look took', place, took => {
    for (const { node, site, tookMs } of health.newest()) took.set({ site, node }, tookMs / 1000);
  });
  gauge('bmc_look_timestamp_seconds', 'When the newest look began', place, at => {
    for (const { node, site, at: time } of health.newest()) at.set({ site, node }, time.getTime() / 1000);
  });
  gauge('server_score', '100 is well; absent where nothing was read lately', place, score => {
    for (const { node, site } of servers) {
      const found = health.score(node);
      if ('score' in found) score.set({ site, node }, found.score);
    }
  });
  gauge('findings', 'Findings that stand', ['site', 'kind', 'level', 'state'], findings => {
    for (const { site, kind, level, state } of health.findings().filter(isStanding))
      findings.inc({ site, kind, level, state });
  });
}

/** How well the watch itself keeps up. */
function showSampling(registry: Registry, options: MetricsOptions): void {
  const { everyMs, backlog, logIns, sessions } = options;
  const gauge = gaugesOf(registry);
  const started = Date.now();
  gauge('site_lateness_seconds', 'By how much the newest look at any server of a site is overdue', ['site'], late => {
    if (everyMs === 'off') return;
    for (const [site, ages] of agesBySite(options, started))
      late.set({ site }, Math.max(0, Math.min(...ages) - everyMs) / 1000);
  });
  gauge('site_look_age_seconds', 'Since the server of a site that waits longest was looked at', ['site'], age => {
    if (everyMs === 'off') return;
    for (const [site, ages] of agesBySite(options, started)) age.set({ site }, Math.max(...ages) / 1000);
  });
  gauge('samples_waiting', 'Samples that wait for the database', [], waiting => waiting.set(backlog().waiting));
  gauge('bmc_sessions', 'Sessions on BMCs that are on record as open', [], async open => open.set(await sessions()));
  new Counter({
    name: 'groundskeeper_samples_dropped_total',
    help: 'Samples given up because the database was away for too long',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(backlog().dropped);
    },
  });
  new Counter({
    name: 'groundskeeper_bmc_logins_total',
    help: 'Log-ins at BMCs: tried, refused by the BMC, and withheld after two refusals',
    labelNames: ['site', 'outcome'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { site = '', ...counts } of logIns())
        for (const [outcome, count] of Object.entries(counts)) this.inc({ site, outcome }, count);
    },
  });
}

/** How events come in; each only brings a look forward. */
function showEvents(registry: Registry, { hearings }: MetricsOptions): void {
  const gauge = gaugesOf(registry);
  gauge(
    'bmcs_heard',
    'BMCs by the way in which their events come: stream, push, or polling only',
    ['site', 'way'],
    heard => {
      for (const { site = '', way } of hearings()) heard.inc({ site, way });
    },
  );
  const count = (of: 'received' | 'dropped', name: string, help: string) =>
    new Counter({
      name: `groundskeeper_${name}`,
      help,
      labelNames: ['site'],
      registers: [registry],
      collect() {
        this.reset();
        for (const { site = '', [of]: events } of hearings()) this.inc({ site }, events);
      },
    });
  count('received', 'bmc_events_total', 'Events that came from BMCs');
  count(
    'dropped',
    'bmc_events_dropped_total',
    'Events that brought no look forward: one was due already, or the site has had its share',
  );
}

/** What keeps changes from happening, or lets them happen under rules that somebody meant to replace. */
function showRules(registry: Registry, { policyStanding, freezes }: MetricsOptions): void {
  const gauge = gaugesOf(registry);
  gauge('policy_kept', 'Whether the policies in the folder are not usable, and those before are followed', [], kept =>
    kept.set(policyStanding().state === 'kept' ? 1 : 0),
  );
  gauge('freezes', 'Freezes of changes that stand; * is all', ['site', 'cluster'], async frozen => {
    for (const { site, cluster } of await freezes.standing()) frozen.inc({ site, cluster });
  });
}

/** Milliseconds since the newest look at each server began; since the start where there was none. */
function agesBySite({ health, servers }: MetricsOptions, started: number): [site: string, ages: number[]][] {
  const now = Date.now();
  const looked = new Map(health.newest().map(({ node, at }) => [node, at.getTime()]));
  return [...Map.groupBy(servers, ({ site }) => site)].map(([site, there]) => [
    site,
    there.map(({ node }) => now - (looked.get(node) ?? started)),
  ]);
}

type Fill = (gauge: Gauge) => void | Promise<void>;

/** Every number is read anew at each scrape; what is gone is not told any more. */
function gaugesOf(registry: Registry) {
  return (name: string, help: string, labelNames: string[], fill: Fill) =>
    new Gauge({
      name: `groundskeeper_${name}`,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        return fill(this);
      },
    });
}
