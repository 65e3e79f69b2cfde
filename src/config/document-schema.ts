/**
 * The configuration file's shape. Strict: an unknown key is a problem, because
 * a misspelt limit must not mean no limit. Each error text says what was
 * expected. Rules across entries are in check-*.ts.
 */
import { isIP } from 'node:net';
import { z } from 'zod';
import { weekdays } from '../core/calendar.ts';
import { comparisons } from '../core/gate.ts';
import { isPassphraseHash } from '../guard/passphrase.ts';
import {
  isLoopback,
  parseBmcUrl,
  parseHostPort,
  parseIssuer,
  parseNetwork,
  parseOrigin,
  parsePublicUrl,
} from './addresses.ts';
import { parseDuration } from './durations.ts';

/** A text that `parse` understands, as what `parse` makes of it. */
function field<T>(expected: string, parse: (text: string) => T | undefined) {
  return z.string({ error: expected }).transform((text, context) => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: expected });
    return z.NEVER;
  });
}

function matching(expected: string, form: RegExp) {
  return field(expected, text => (form.test(text) ? text : undefined));
}

function mapping<T extends z.ZodRawShape>(shape: T) {
  return z.strictObject(shape, { error: issue => (issue.code === 'invalid_type' ? 'a mapping' : undefined) });
}

function list<T extends z.ZodType>(item: T) {
  return z.array(item, { error: 'a list' });
}

function filled<T extends z.ZodType>(item: T) {
  return z.array(item, { error: 'a list' }).min(1, { error: 'a list with at least one entry' });
}

function oneOf<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, { error: `one of ${values.join(', ')}` });
}

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
export const nameForm = new RegExp(`^${label}$`);
const name = matching('a name of a-z, 0-9 and -, at most 63 long (RFC 1123)', nameForm);
const nodeName = matching(
  'a node name of a-z, 0-9, - and . (RFC 1123)',
  new RegExp(`^(?=.{1,253}$)${label}(?:\\.${label})*$`),
);
const imageId = matching('an image id of a-z, 0-9, - and . (RFC 1123)', new RegExp(`^${label}(?:\\.${label})*$`));
const groupName = matching('a group name, or <site>:<group>', new RegExp(`^(?:${label}:)?${label}$`));
const text = matching('text', /^[^\p{Cc}]{1,1024}$/u);
const secretRef = matching('env:NAME or file:PATH', /^(?:env:[A-Za-z_]\w*|file:[^\p{Cc}]+)$/u);
const whole = z.int({ error: 'a whole number, at least 1' }).min(1, { error: 'a whole number, at least 1' });
const flag = z.boolean({ error: 'true or false' });
const duration = field('a duration such as 10s, 45m or 4h', written => parseDuration(written));
const period = field('a duration above zero, such as 10s, 45m or 4h', written => parseDuration(written) || undefined);
const periodOrOff = field('a duration above zero, such as 60s, or off', written =>
  written === 'off' ? ('off' as const) : parseDuration(written) || undefined,
);
const longPeriod = field(
  'a duration above zero, such as 90d, up to ten years',
  written => parseDuration(written, 3650) || undefined,
);
const hostPort = field('host:port', parseHostPort);

function timeZoneOf(written: string): string | undefined {
  if (!/^[A-Za-z]/.test(written)) return undefined;
  try {
    new Intl.DateTimeFormat('en', { timeZone: written });
    return written;
  } catch {
    return undefined;
  }
}

const clockTime = matching('a time such as 22:00, in quotes', /^(?:[01]\d|2[0-3]):[0-5]\d$/);
const calendarDay = field('a day such as 2026-12-20', written =>
  /^\d{4}-\d\d-\d\d$/.test(written) && isDay(written) ? written : undefined,
);

/** Not such as the 30th of February, which would be read as the 2nd of March. */
function isDay(written: string): boolean {
  const moment = Date.parse(written);
  return !Number.isNaN(moment) && new Date(moment).toISOString().startsWith(written);
}

const bmc = mapping({
  url: field(
    'https://ADDRESS or https://ADDRESS:PORT, an IP address without path',
    written => parseBmcUrl(written)?.origin,
  ),
  credential: name,
  spki: matching('the SHA-256 of a public key in base64, 44 characters', /^[A-Za-z0-9+/]{43}=$/).optional(),
  ca: text.optional(),
  systemUri: matching('a path such as /redfish/v1/Systems/Node0', /^\/redfish\/v1\/Systems\/[^\s/?#]+$/).optional(),
});
const node = mapping({
  name: nodeName,
  role: oneOf(['control-plane', 'worker']),
  server: mapping({ serial: text.optional(), rack: text.optional(), bmc }),
});
const percent = z
  .int({ error: 'a whole number from 1 to 100' })
  .min(1, { error: 'a whole number from 1 to 100' })
  .max(100, { error: 'a whole number from 1 to 100' });

function rises(shares: number[]): boolean {
  return shares.at(-1) === 100 && shares.every((share, index) => index === 0 || share > (shares[index - 1] ?? 0));
}

const kubeconfig = mapping({
  file: text.optional(),
  context: text.optional(),
  inCluster: z.literal(true, { error: 'true, or no such key' }).optional(),
}).transform(({ file, context: contextName, inCluster }, context) => {
  const add = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message });
  if (inCluster) {
    if (file !== undefined) add('inCluster', 'either file or inCluster');
    if (contextName !== undefined) add('context', 'no context beside inCluster');
    return { inCluster };
  }
  if (file === undefined) add('file', 'a kubeconfig file, or inCluster: true');
  return { file: file ?? '', ...(contextName === undefined ? {} : { context: contextName }) };
});
const etcdEndpoint = mapping({
  node: nodeName,
  url: field(
    'http://host:port or https://host:port without user and path',
    written => parseOrigin(written, ['http', 'https'])?.origin,
  ),
});
const cluster = mapping({
  name,
  kubeconfig,
  budget: mapping({ maxUnavailable: whole, maxPercent: percent.optional() }),
  etcd: list(etcdEndpoint).default([]),
  nodes: filled(node),
});
const listener = mapping({
  bind: hostPort,
  advertise: field('http://host:port without path', written => parseOrigin(written, ['http', 'https'])?.origin),
});
const maintenanceWindow = mapping({
  days: filled(oneOf(weekdays)).default([...weekdays]),
  from: clockTime,
  to: clockTime,
});
const changeFreeze = mapping({ from: calendarDay, to: calendarDay, reason: text }).refine(
  ({ from, to }) => from <= to,
  {
    path: ['to'],
    error: 'a day that is not before from',
  },
);
const site = mapping({
  name,
  timeZone: field('an IANA time zone such as America/New_York', timeZoneOf),
  bmcNetwork: field('a network such as 10.1.0.0/16', written => (parseNetwork(written) ? written : undefined)),
  baseline: name.optional(),
  imageListener: listener,
  eventListener: listener.optional(),
  windows: list(maintenanceWindow).default([]),
  changeFreezes: list(changeFreeze).default([]),
  clusters: filled(cluster),
});
const image = mapping({
  id: imageId,
  vendor: oneOf(['dell', 'hpe', 'openbmc', 'lenovo', 'supermicro', 'ami', 'nvidia', 'generic']),
  models: filled(text),
  component: oneOf(['bios', 'bmc', 'nic']),
  version: text,
  needs: text.optional(),
  backTo: text.optional(),
  file: text.optional(),
  url: field('an https address without user and password', httpsUrl).optional(),
  sha256: field('a SHA-256 of 64 hex digits', written =>
    /^[0-9a-f]{64}$/i.test(written) ? written.toLowerCase() : undefined,
  ),
});

const biosValue = z.union([z.string(), z.number(), z.boolean()], { error: 'a text, a number, true or false' });
const biosBaseline = mapping({
  models: filled(text),
  attributes: z.record(z.string().min(1), biosValue, { error: 'a mapping of attributes to values' }),
});
const baseline = mapping({ name, images: list(imageId), bios: list(biosBaseline).default([]) }).superRefine(
  ({ bios }, context) => {
    const models = bios.flatMap(each => each.models);
    const twice = models.find((model, index) => models.indexOf(model) !== index);
    if (twice === undefined) return;
    context.addIssue({
      code: 'custom',
      path: ['bios'],
      message: `settings for each model once, not twice for ${twice}`,
    });
  },
);

function httpsUrl(written: string): string | undefined {
  const url = URL.canParse(written) ? new URL(written) : undefined;
  return url?.protocol === 'https:' && url.username === '' && url.password === '' ? url.href : undefined;
}

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
});
/** `accept` is closed: whoever may edit groups at the issuer gets no other group here than these. */
const claimedGroups = mapping({
  claim: text,
  accept: filled(groupName),
  maxAge: period.default(43_200_000),
});
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

/** A place outside the database that keeps the custody log's newest checkpoint. */
const anchor = mapping({
  file: text.optional(),
  git: mapping({
    repository: text,
    remote: field('a path or an address without password, not beginning with -', gitRemote).optional(),
  }).optional(),
}).transform(({ file, git }, context) => {
  if (git && file === undefined) return { git };
  if (file === undefined || git) context.addIssue({ code: 'custom', message: 'either file or git' });
  return { file: file ?? '' };
});

function gitRemote(written: string): string | undefined {
  return /^-|:\/\/[^/]*:[^/]*@/.test(written) ? undefined : written;
}

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
  mcp: mapping({ scope: oneOf(['read', 'plan', 'execute']).default('read') }).prefault({}),
});

export type ConfigDocument = z.output<typeof configDocument>;
