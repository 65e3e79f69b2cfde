/** Turns a checked document into what the program works with: absolute paths, wrapped secrets, the fleet in its own words. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { budgetOf, type FirmwareImage, type Fleet, type FleetSite } from '../core/fleet.ts';
import type { OwnCheckSettings } from '../core/gate.ts';
import { Secret } from '../core/secret.ts';
import { assistantOf, digestOf, oidcOf, slackOf } from './build-surfaces.ts';
import type { Outside } from './check-files.ts';
import type { BmcCredential, Config, HealthCordonSettings } from './config-types.ts';
import type { ConfigDocument } from './document-schema.ts';

const shippedPolicies = fileURLToPath(new URL('../../policies', import.meta.url));

export function buildConfig(document: ConfigDocument, outside: Outside, baseDir: string): Config {
  const { service, rollout, health } = document;
  const clusters = document.sites.flatMap(site => site.clusters);
  const slack = document.slack && slackOf(document.slack, outside);
  return {
    service: { ...service, dataDir: resolve(baseDir, service.dataDir) },
    databaseUrl: outside.databaseUrl,
    policiesDir: document.policies === undefined ? shippedPolicies : resolve(baseDir, document.policies),
    people: document.people.map(({ passphrase, oidc, ...person }) => ({
      ...person,
      ...(passphrase && { passphraseHash: new Secret(passphrase) }),
      ...(oidc && { subject: oidc.subject }),
    })),
    ...(document.directory && {
      directory: { ...document.directory, file: resolve(baseDir, document.directory.file) },
    }),
    ...(document.oidc && { oidc: oidcOf(document.oidc, { outside, publicUrl: service.publicUrl ?? '' }) }),
    fleet: fleetOf(document, baseDir),
    bmcCredentials: credentialsOf(document, outside),
    bmcCas: outside.bmcCas,
    kubeconfigs: new Map(
      clusters.map(({ name, kubeconfig }) => [
        name,
        'file' in kubeconfig ? { ...kubeconfig, file: resolve(baseDir, kubeconfig.file) } : kubeconfig,
      ]),
    ),
    etcdEndpoints: new Map(clusters.map(({ name, etcd }) => [name, etcd])),
    imageListeners: new Map(document.sites.map(site => [site.name, site.imageListener])),
    eventListeners: new Map(
      document.sites.flatMap(({ name, eventListener }) => (eventListener ? [[name, eventListener] as const] : [])),
    ),
    calendars: new Map(
      document.sites.map(({ name, timeZone, windows, changeFreezes }) => [
        name,
        { timeZone, windows, changeFreezes: [...document.changeFreezes, ...changeFreezes] },
      ]),
    ),
    rollout: {
      canary: rollout.canary,
      percentages: rollout.waves,
      limits: { maxSites: rollout.maxSites, ...rollout.haltAt },
      soakMs: rollout.soak,
      drainTimeoutMs: rollout.drainTimeout,
      updateTimeoutMs: rollout.updateTimeout,
      rebootTimeoutMs: rollout.rebootTimeout,
      rejoinTimeoutMs: rollout.rejoinTimeout,
      resetSettleMs: rollout.resetSettle,
      stallLimitMs: rollout.stallLimit,
      pollIntervalMs: rollout.pollInterval,
      planTtlMs: rollout.planTtl,
      gateTimeoutMs: rollout.gateTimeout,
      ownChecks: checksOf(rollout.gates, outside),
      advance: rollout.advance,
      windowMarginMs: rollout.windowMargin,
    },
    approvals: {
      maxPendingPerPerson: document.approvals.maxPendingPerPerson,
      executeForMs: document.approvals.executeFor,
      breakGlassGroup: document.approvals.breakGlassGroup,
    },
    health: {
      sampleEveryMs: health.sampleEvery,
      keepSamplesMs: health.keepSamples,
      keepHistoryMs: health.keepHistory,
      cordon: cordonOf(health.cordon),
      events: health.events,
    },
    custody: custodyOf(document.custody, baseDir),
    ...(document.metrics && { metrics: document.metrics.listen }),
    mcp: document.mcp,
    ...(document.assistant && { assistant: assistantOf(document.assistant, outside) }),
    digests: document.digests.map(digest => digestOf(digest, document, baseDir)),
    ...(slack && { slack }),
  };
}

function checksOf(gates: ConfigDocument['rollout']['gates'], { gates: outside }: Outside): OwnCheckSettings[] {
  return gates.map(({ name, after, sites, question, for: forMs, timeout, address }) => ({
    name,
    after,
    question,
    forMs,
    timeoutMs: timeout,
    ...(sites && { sites }),
    ...(address && { address }),
    ...outside.get(name),
  }));
}

function custodyOf(custody: ConfigDocument['custody'], baseDir: string): Config['custody'] {
  const { anchors, anchorEntries, anchorEvery, maxAnchorAge } = custody;
  return {
    anchors: anchors.map(each => {
      if ('slack' in each) return each;
      if ('file' in each) return { file: resolve(baseDir, each.file) };
      return { git: { ...each.git, repository: resolve(baseDir, each.git.repository) } };
    }),
    anchorEntries,
    anchorEveryMs: anchorEvery,
    ...(maxAnchorAge === undefined ? {} : { maxAnchorAgeMs: maxAnchorAge }),
  };
}

function cordonOf(cordon: ConfigDocument['health']['cordon']): HealthCordonSettings | 'off' {
  if (cordon === 'off') return 'off';
  const { healthyFor, ...rest } = cordon;
  return { ...rest, healthyForMs: healthyFor };
}

function fleetOf(document: ConfigDocument, baseDir: string): Fleet {
  return { sites: document.sites.map(siteOf), images: imagesOf(document, baseDir), baselines: document.baselines };
}

function siteOf(site: ConfigDocument['sites'][number]): FleetSite {
  const { name, timeZone, bmcNetwork, baseline } = site;
  const clusters = site.clusters.map(cluster => ({
    name: cluster.name,
    site: name,
    budget: budgetOf(cluster.budget, cluster.nodes.length),
    ...(cluster.remediators === 'pause' ? { pausesRemediators: true as const } : {}),
    nodes: cluster.nodes.map(({ server, ...node }) => ({
      ...node,
      site: name,
      cluster: cluster.name,
      server: {
        bmcUrl: server.bmc.url,
        credential: server.bmc.credential,
        ...(server.bmc.spki && { spki: server.bmc.spki }),
        ...(server.bmc.systemUri && { systemUri: server.bmc.systemUri }),
        ...(server.serial && { serial: server.serial }),
        ...(server.rack && { rack: server.rack }),
      },
    })),
  }));
  return { name, timeZone, bmcNetwork, ...(baseline && { baseline }), clusters };
}

function imagesOf({ firmware }: ConfigDocument, baseDir: string): FirmwareImage[] {
  return firmware.map(({ file, url, ...image }) => ({
    ...image,
    source: file === undefined ? { url: url ?? '' } : { file: resolve(baseDir, file) },
  }));
}

function credentialsOf({ credentials }: ConfigDocument, { passwords }: Outside): Map<string, BmcCredential> {
  const found = new Map<string, BmcCredential>();
  for (const [name, { username }] of Object.entries(credentials)) {
    const password = passwords.get(name);
    if (password) found.set(name, { username, password });
  }
  return found;
}
