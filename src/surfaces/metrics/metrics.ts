/** What the watch over servers knows, for Prometheus: read at each scrape, on a listener of its own, without any log-in. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { FleetError } from '../../core/errors.ts';
import { isStanding } from '../../core/finding.ts';
import type { HealthReader } from '../../core/tool.ts';

export type MetricsOptions = {
  host: string;
  port: number;
  health: Pick<HealthReader, 'findings' | 'newest' | 'score'>;
  servers: { node: string; site: string }[];
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

function registryOf({ health, servers }: MetricsOptions): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'groundskeeper_' });
  const place = ['site', 'node'];
  const gauge = (name: string, help: string, labelNames: string[], fill: (gauge: Gauge) => void) =>
    new Gauge({
      name: `groundskeeper_${name}`,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        fill(this);
      },
    });
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
  return registry;
}
