/**
 * The configuration file's shape. Strict: an unknown key is a problem, because
 * a misspelt limit must not mean no limit. Each error text says what was
 * expected. Rules across entries are in check-*.ts.
 */
import { isIP } from 'node:net';
import { Cron } from 'croner';
import { z } from 'zod';
import { comparisons } from '../core/gate.ts';
import { scopes } from '../core/tool.ts';
import { isPassphraseHash } from '../guard/passphrase.ts';
import { isLoopback, parseIssuer, parsePublicUrl } from './addresses.ts';
import {
  duration,
  field,
  filled,
  flag,
  groupName,
  hostPort,
  httpsUrl,
  list,
  longPeriod,
  mapping,
  matching,
  name,
  oneOf,
  percent,
  period,
  periodOrOff,
  rises,
  secretRef,
  text,
  timeZone,
  whole,
} from './document-fields.ts';
import { baseline, image } from './document-firmware.ts';
import { changeFreeze, site } from './document-sites.ts';

const gateUrl = field('an https address without user and password, or http on loopback', written => {
  const url = URL.canParse(written) ? new URL(written) : undefined;
  const local = url?.protocol === 'http:' && isLoopback(url.hostname.replace(/^\[(.*)\]$/, '$1'));
  return local && url.username === '' && url.password === '' ? url.href : httpsUrl(written);
});
const gate = mapping({
  name,
  after: oneOf(['node', 'wave']),
  sites: filled(name).optional(),
  promql: mapping({
    url: gateUrl,
    query: text,
    expect: mapping({ op: oneOf(comparisons), value: z.number({ error: 'a number' }) }),
  }).optional(),
  https: mapping({
    url: gateUrl,
    expectStatus: z.int({ error: 'an HTTP status' }).min(200, { error: 'an HTTP status' }).max(599).default(200),
    json: mapping({
      path: text,
      equals: z.union([z.string(), z.number(), z.boolean()], { error: 'a text, a number, true or false' }),
    }).optional(),
  }).optional(),
  for: duration.default(0),
  timeout: period.default(900_000),
  ca: text.optional(),
  address: field('an IP address', written => (isIP(written) === 0 ? undefined : written)).optional(),
  bearer: secretRef.optional(),
}).transform(({ promql, https, ...check }, context) => {
  if (check.after === 'wave' && promql?.query.includes('$node'))
    context.addIssue({ code: 'custom', path: ['promql', 'query'], message: 'no $node after a wave' });
  if (promql && !https) return { ...check, question: { promql } };
  if (https && !promql) return { ...check, question: { https } };
  context.addIssue({ code: 'custom', message: 'either promql or https' });
  return z.NEVER;
});

const person = mapping({
  name,
  groups: list(groupName),
  passphrase: field('a hash made by groundskeeper hash-passphrase', hash =>
    isPassphraseHash(hash) ? hash : undefined,
  ).optional(),
  oidc: mapping({
    subject: matching('the subject that the issuer knows this person by', /^[\x21-\x7e]{1,255}$/),
  }).optional(),
  slack: matching('the member ID of this person in Slack, such as U024BE7LH', /^[UW][A-Z0-9]{2,31}$/).optional(),
});
/** `accept` is closed: whoever may edit groups at the issuer gets no other group here than these. */
const claimedGroups = mapping({
  claim: text,
  accept: filled(groupName),
  maxAge: period.default(43_200_000),
});
/** `accept` is closed for the same reason: the file may be written by another program. */
const directory = mapping({ file: text, accept: filled(groupName) });
const oidc = mapping({
  issuer: field('an https address; http for a loopback address alone', parseIssuer),
  clientId: text,
  clientSecret: secretRef.optional(),
  groups: claimedGroups.optional(),
});

/** What Groundskeeper does by itself on nodes whose hardware fails. */
const healthCordon = mapping({
  maxPerCluster: whole.default(1),
  maxPerHour: whole.default(3),
  healthyFor: period.default(21_600_000),
  drain: flag.default(false),
});
/** No union: that would tell of the whole mapping what is wrong with one key of it. */
const cordonOrOff = z.unknown().transform((written, context) => {
  if (written === 'off') return 'off' as const;
  const parsed = healthCordon.safeParse(written);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues)
    context.issues.push({ ...issue, input: written } as (typeof context.issues)[number]);
  return z.NEVER;
});

const slackChannel = matching('the ID of a channel, such as C024BE91L', /^[CG][A-Z0-9]{2,31}$/);

type OneOf<T> = { [Key in keyof T]-?: Record<Key, NonNullable<T[Key]>> }[keyof T];

/** A mapping of which one key alone may be there. */
function oneKeyOf<T extends object>(written: T, context: z.RefinementCtx, error: string): OneOf<T> {
  const given = Object.entries(written).filter(([, value]) => value !== undefined);
  if (given.length !== 1) context.addIssue({ code: 'custom', message: error });
  return Object.fromEntries(given.slice(0, 1)) as OneOf<T>;
}

/** A place outside the database that keeps the custody log's newest checkpoint. */
const anchor = mapping({
  file: text.optional(),
  slack: slackChannel.optional(),
  git: mapping({
    repository: text,
    remote: field('a path or an address without password, not beginning with -', gitRemote).optional(),
  }).optional(),
}).transform((written, context) => oneKeyOf(written, context, 'either file, git or slack'));

function gitRemote(written: string): string | undefined {
  return /^-|:\/\/[^/]*:[^/]*@/.test(written) ? undefined : written;
}

const price = z.number({ error: 'a number, at least 0' }).min(0, { error: 'a number, at least 0' });

const assistant = mapping({
  baseUrl: field('an https address without user and password, or http on loopback', parseIssuer),
  model: text,
  apiKey: secretRef.optional(),
  scope: oneOf(scopes).default('execute'),
  silence: period.default(60_000),
  contextTokens: whole.default(32_000),
  maxReplyTokens: whole.default(4_000),
  tokensPerConversation: whole.default(500_000),
  tokensPerDay: whole.default(5_000_000),
  prices: mapping({ input: price, output: price }).optional(),
  costPerDay: price.optional(),
}).refine(({ costPerDay, prices }) => costPerDay === undefined || prices !== undefined, {
  path: ['prices'],
  error: 'what a million tokens of input and output cost, for costPerDay to be counted',
});

const digest = mapping({
  name,
  cron: field('five fields such as 0 7 * * 1-5: minute, hour, day of month, month, day of week', cronOf),
  timeZone: timeZone.optional(),
  sites: filled(name).optional(),
  to: filled(
    mapping({
      file: text.optional(),
      stdout: z.literal(true, { error: 'true' }).optional(),
      slack: slackChannel.optional(),
    }).transform((written, context) => oneKeyOf(written, context, 'either file, stdout or slack')),
  ),
  summary: flag.default(false),
});

function cronOf(written: string): string | undefined {
  try {
    return new Cron(written, { mode: '5-part' }).nextRun() ? written : undefined;
  } catch {
    return undefined;
  }
}

const slack = mapping({
  botToken: secretRef,
  appToken: secretRef.optional(),
  signingSecret: secretRef.optional(),
  http: mapping({ listen: hostPort }).optional(),
  workspace: matching('the ID of the workspace, such as T024BE7LD', /^T[A-Z0-9]{2,31}$/),
  channel: slackChannel,
  apiUrl: field('an https address without user and password, or http on loopback', parseIssuer).default(
    'https://slack.com/api/',
  ),
}).refine(
  ({ appToken, signingSecret, http }) =>
    appToken === undefined ? signingSecret !== undefined && http !== undefined : (signingSecret ?? http) === undefined,
  { error: 'either appToken, or signingSecret and http' },
);

export const configDocument = mapping({
  service: mapping({
    listen: hostPort.default({ host: '127.0.0.1', port: 7420 }),
    allowRemote: flag.default(false),
    dataDir: text.default('./data'),
    publicUrl: field(
      'https://host or https://host:port without path; http for a loopback address alone',
      parsePublicUrl,
    ).optional(),
    origin: matching(
      'a name such as groundskeeper.example/production',
      /^(?=.{1,128}$)[a-z0-9.-]+(?:\/[a-z0-9._-]+)*$/,
    ),
  }),
  database: matching('embedded, env:NAME or file:PATH', /^(?:embedded|env:[A-Za-z_]\w*|file:[^\p{Cc}]+)$/u).default(
    'embedded',
  ),
  policies: text.optional(),
  people: filled(person),
  directory: directory.optional(),
  oidc: oidc.optional(),
  credentials: z
    .record(z.string(), mapping({ username: text, password: secretRef }), { error: 'a mapping' })
    .default({}),
  firmware: list(image).default([]),
  baselines: list(baseline).default([]),
  sites: filled(site),
  changeFreezes: list(changeFreeze).default([]),
  rollout: mapping({
    canary: whole.default(1),
    waves: filled(percent).refine(rises, { error: 'percentages that rise and end with 100' }).default([10, 50, 100]),
    maxSites: whole.default(10),
    haltAt: mapping({
      cohortFailures: whole.default(2),
      failures: whole.default(5),
      lostSites: whole.default(2),
    }).prefault({}),
    soak: duration.default(10_000),
    drainTimeout: period.default(600_000),
    updateTimeout: period.default(2_700_000),
    rebootTimeout: period.default(1_200_000),
    rejoinTimeout: period.default(900_000),
    resetSettle: period.default(300_000),
    stallLimit: period.default(1_800_000),
    pollInterval: period.default(2000),
    planTtl: period.default(14_400_000),
    gateTimeout: period.default(900_000),
    gates: list(gate).default([]),
    advance: oneOf(['automatic', 'manual']).default('automatic'),
    windowMargin: duration.default(600_000),
  }).prefault({}),
  approvals: mapping({
    maxPendingPerPerson: whole.default(10),
    executeFor: longPeriod.default(28_800_000),
    breakGlassGroup: groupName.optional(),
  }).prefault({}),
  health: mapping({
    sampleEvery: periodOrOff.default(60_000),
    keepSamples: period.default(172_800_000),
    keepHistory: longPeriod.default(34_560_000_000),
    cordon: cordonOrOff.prefault({}),
    events: oneOf(['on', 'off']).default('on'),
  }).prefault({}),
  custody: mapping({
    anchors: list(anchor).default([]),
    anchorEvery: period.default(300_000),
    anchorEntries: whole.default(100),
    maxAnchorAge: period.optional(),
  }).prefault({}),
  metrics: mapping({ listen: hostPort }).optional(),
  mcp: mapping({ scope: oneOf(scopes).default('read'), http: flag.default(false) }).prefault({}),
  assistant: assistant.optional(),
  digests: list(digest).default([]),
  slack: slack.optional(),
});

export type ConfigDocument = z.output<typeof configDocument>;
