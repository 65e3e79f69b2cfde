/** Turns a checked document into what the program works with: absolute paths, wrapped secrets, the fleet in its own words. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Calendar } from '../core/calendar.ts';
import type { EtcdEndpoint } from '../core/cluster.ts';
import { budgetOf, type FirmwareImage, type Fleet, type FleetSite, type Person } from '../core/fleet.ts';
import type { OwnCheckSettings } from '../core/gate.ts';
import type { RolloutLimits } from '../core/plan.ts';
import { Secret } from '../core/secret.ts';
import type { HostPort } from './addresses.ts';
import type { Outside } from './check-files.ts';
import type { ConfigDocument } from './document-schema.ts';

export type BmcCredential = { username: string; password: Secret };
/** Where this program listens for BMCs. */
export type BmcListener = {
  bind: HostPort;
  /** Origin under which BMCs reach it. */
  advertise: string;
};

/** How a cluster is reached: through a kubeconfig file, or with the service account of the Pod that runs this program. */
export type Kubeconfig = { file: string; context?: string } | { inCluster: true };

export type Config = {
  service: {
    listen: HostPort;
    allowRemote: boolean;
    dataDir: string;
    origin: string;
    /** Origin under which browsers reach it; where it listens when left out. */
    publicUrl?: string;
  };
  databaseUrl: 'embedded' | Secret;
  policiesDir: string;
  /** Each with a passphrase, a subject at the issuer, or both; `slack` is a member ID in the workspace. */
  people: (Person & { passphraseHash?: Secret; subject?: string; slack?: string })[];
  /** A file that gives people more groups while the service runs: those in `accept` alone. Absolute path. */
  directory?: { file: string; accept: string[] };
  /** Who else vouches for people; nobody when left out. */
  oidc?: OidcSettings;
  fleet: Fleet;
  /** By credential name. */
  bmcCredentials: Map<string, BmcCredential>;
  /** PEM of the authority that vouches for a node's BMC, by node name. */
  bmcCas: Map<string, string>;
  /** By cluster name. */
  kubeconfigs: Map<string, Kubeconfig>;
  /** Where etcd members answer for themselves, by cluster name; none where nothing is configured. */
  etcdEndpoints: Map<string, EtcdEndpoint[]>;
  /** By site name. */
  imageListeners: Map<string, BmcListener>;
  /** Where BMCs may push events to, by site name; sites without one are not here. */
  eventListeners: Map<string, BmcListener>;
  /** By site name; change freezes of the fleet are in each. */
  calendars: Map<string, Calendar>;
  /** Durations in milliseconds. */
  rollout: {
    canary: number;
    percentages: number[];
    limits: RolloutLimits;
    soakMs: number;
    drainTimeoutMs: number;
    updateTimeoutMs: number;
    rebootTimeoutMs: number;
    rejoinTimeoutMs: number;
    resetSettleMs: number;
    stallLimitMs: number;
    pollIntervalMs: number;
    planTtlMs: number;
    gateTimeoutMs: number;
    ownChecks: OwnCheckSettings[];
    advance: 'automatic' | 'manual';
    windowMarginMs: number;
  };
  /** Durations in milliseconds; without a group nobody breaks glass. */
  approvals: { maxPendingPerPerson: number; executeForMs: number; breakGlassGroup?: string };
  /** Durations in milliseconds. */
  health: {
    sampleEveryMs: number | 'off';
    keepSamplesMs: number;
    keepHistoryMs: number;
    cordon: HealthCordonSettings | 'off';
    /** Whether events of BMCs bring looks forward. */
    events: 'on' | 'off';
  };
  custody: {
    /** Where checkpoints are kept outside the database; absolute paths. */
    anchors: ({ file: string } | { git: { repository: string; remote?: string } })[];
    /** A checkpoint is posted after so many entries, or after so many milliseconds. */
    anchorEntries: number;
    anchorEveryMs: number;
    /** Milliseconds; nothing new begins where no anchor could be read for longer. */
    maxAnchorAgeMs?: number;
  };
  /** Where Prometheus may read; nowhere when left out. */
  metrics?: { host: string; port: number };
  /** `http`: also for MCP clients with an access token of the issuer. */
  mcp: { scope: 'read' | 'plan' | 'execute'; http: boolean };
  /** The language model that people may ask; commands alone when left out. */
  assistant?: AssistantSettings;
  digests: DigestSettings[];
  /** Where people talk to it and approve; nowhere when left out. */
  slack?: SlackSettings;
};

export type DigestSettings = {
  name: string;
  cron: string;
  timeZone: string;
  /** None for the whole fleet. */
  sites: string[];
  to: ({ file: string } | { stdout: true })[];
  summary: boolean;
};

export type SlackSettings = {
  botToken: Secret;
  /** Opens the socket over which Slack reaches this program, which it calls nowhere. */
  appToken: Secret;
  /** The workspace whose people may be linked; those of others are strangers. */
  workspace: string;
  /** For cards and announcements. */
  channel: string;
  apiUrl: string;
};

export type AssistantSettings = {
  baseUrl: string;
  model: string;
  apiKey?: Secret;
  /** The most that its calls may ask for. */
  scope: 'read' | 'plan' | 'execute';
  /** Milliseconds. */
  silenceMs: number;
  contextTokens: number;
  maxReplyTokens: number;
  ceilings: {
    perConversation: number;
    perDay: number;
    costPerDay?: number;
    prices?: { input: number; output: number };
  };
};

export type OidcSettings = {
  issuer: string;
  clientId: string;
  clientSecret?: Secret;
  /** Where the issuer sends browsers back to. */
  callback: string;
  /** Groups that the issuer may give: those in `accept` alone, and for `maxAgeMs` after the log-in that told them. */
  groups?: { claim: string; accept: string[]; maxAgeMs: number };
};

/** What Groundskeeper may do by itself on nodes whose hardware fails, within policy. */
export type HealthCordonSettings = {
  /** Nodes of one cluster that may be cordoned for their hardware at once, at least 1. */
  maxPerCluster: number;
  /** Such cordons in the whole fleet within an hour; after so many a person has to look. */
  maxPerHour: number;
  /** Milliseconds without any signal before such a cordon is taken back. */
  healthyForMs: number;
  /** Whether operators are asked to let such a node be drained. */
  drain: boolean;
};

/** Who exists, as policies are checked against it. */
export function directoryOf({ people, directory, oidc, fleet }: Config): { groups: string[]; sites: string[] } {
  return {
    groups: [
      ...new Set([
        ...people.flatMap(({ groups }) => groups),
        ...(directory?.accept ?? []),
        ...(oidc?.groups?.accept ?? []),
      ]),
    ],
    sites: fleet.sites.map(({ name }) => name),
  };
}

const shippedPolicies = fileURLToPath(new URL('../../policies', import.meta.url));

export function buildConfig(document: ConfigDocument, outside: Outside, baseDir: string): Config {
  const { service, rollout, health } = document;
  const clusters = document.sites.flatMap(site => site.clusters);
  const { bot, app } = outside.slackTokens;
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
    ...(document.slack && bot && app && { slack: { ...document.slack, botToken: bot, appToken: app } }),
  };
}

/** By the clocks of its only site; of several, or of all, in UTC unless said. */
function digestOf(
  { sites = [], timeZone, to, ...digest }: ConfigDocument['digests'][number],
  { sites: all }: ConfigDocument,
  baseDir: string,
): DigestSettings {
  const [only, ...others] = sites;
  const own = others.length === 0 ? all.find(({ name }) => name === only)?.timeZone : undefined;
  return {
    ...digest,
    sites,
    timeZone: timeZone ?? own ?? 'UTC',
    to: to.map(({ file }) => (file === undefined ? { stdout: true } : { file: resolve(baseDir, file) })),
  };
}

function assistantOf(
  {
    silence,
    tokensPerConversation,
    tokensPerDay,
    prices,
    costPerDay,
    apiKey: _,
    ...rest
  }: NonNullable<ConfigDocument['assistant']>,
  { modelKey }: Outside,
): AssistantSettings {
  return {
    ...rest,
    silenceMs: silence,
    ...(modelKey && { apiKey: modelKey }),
    ceilings: {
      perConversation: tokensPerConversation,
      perDay: tokensPerDay,
      ...(prices && { prices }),
      ...(costPerDay !== undefined && { costPerDay }),
    },
  };
}

/** Every secret that the program holds, for what must not let one out. */
export function secretsOf({ databaseUrl, bmcCredentials, oidc, rollout, assistant, slack }: Config): Secret[] {
  return [
    ...(databaseUrl === 'embedded' ? [] : [databaseUrl, ...passwordIn(databaseUrl)]),
    ...[...bmcCredentials.values()].map(({ password }) => password),
    ...(oidc?.clientSecret ? [oidc.clientSecret] : []),
    ...rollout.ownChecks.flatMap(({ bearer }) => (bearer ? [bearer] : [])),
    ...(assistant?.apiKey ? [assistant.apiKey] : []),
    ...(slack ? [slack.botToken, slack.appToken] : []),
  ];
}

function passwordIn(url: Secret): Secret[] {
  const { password } = new URL(url.reveal());
  return password === '' ? [] : [new Secret(decodeURIComponent(password))];
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

function oidcOf(
  { issuer, clientId, groups }: NonNullable<ConfigDocument['oidc']>,
  { outside: { oidcClientSecret }, publicUrl }: { outside: Outside; publicUrl: string },
): OidcSettings {
  return {
    issuer,
    clientId,
    callback: `${publicUrl}/auth/callback`,
    ...(oidcClientSecret && { clientSecret: oidcClientSecret }),
    ...(groups && { groups: { claim: groups.claim, accept: groups.accept, maxAgeMs: groups.maxAge } }),
  };
}

function custodyOf(custody: ConfigDocument['custody'], baseDir: string): Config['custody'] {
  const { anchors, anchorEntries, anchorEvery, maxAnchorAge } = custody;
  return {
    anchors: anchors.map(each =>
      each.git
        ? { git: { ...each.git, repository: resolve(baseDir, each.git.repository) } }
        : { file: resolve(baseDir, each.file) },
    ),
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
