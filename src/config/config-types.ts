/** What the program is configured with, in its own words; see document-schema.ts for how it is written. */
import type { Calendar } from '../core/calendar.ts';
import type { EtcdEndpoint } from '../core/cluster.ts';
import type { Fleet, Person } from '../core/fleet.ts';
import type { OwnCheckSettings } from '../core/gate.ts';
import type { RolloutLimits } from '../core/plan.ts';
import type { Secret } from '../core/secret.ts';
import type { Scope } from '../core/tool.ts';
import type { HostPort } from './addresses.ts';

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
    /** Where checkpoints are kept outside the database; absolute paths, and channels. */
    anchors: ({ file: string } | { git: { repository: string; remote?: string } } | { slack: string })[];
    /** A checkpoint is posted after so many entries, or after so many milliseconds. */
    anchorEntries: number;
    anchorEveryMs: number;
    /** Milliseconds; nothing new begins where no anchor could be read for longer. */
    maxAnchorAgeMs?: number;
  };
  /** Where Prometheus may read; nowhere when left out. */
  metrics?: { host: string; port: number };
  /** `http`: also for MCP clients with an access token of the issuer. */
  mcp: { scope: Scope; http: boolean };
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
  /** `slack`: a channel. */
  to: ({ file: string } | { stdout: true } | { slack: string })[];
  summary: boolean;
};

export type SlackSettings = {
  botToken: Secret;
  /** How Slack reaches this program: over a socket that the token opens, or by requests that the secret signs. */
  way: { appToken: Secret } | { signingSecret: Secret; listen: { host: string; port: number } };
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
  scope: Scope;
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
