/** Sites as the configuration declares them: clusters, nodes and their BMCs, listeners, windows. */
import { z } from 'zod';
import { weekdays } from '../core/calendar.ts';
import { parseBmcUrl, parseNetwork, parseOrigin } from './addresses.ts';
import {
  calendarDay,
  clockTime,
  field,
  filled,
  hostPort,
  list,
  mapping,
  matching,
  name,
  nodeName,
  oneOf,
  percent,
  text,
  timeZone,
  whole,
} from './document-fields.ts';

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
  remediators: oneOf(['refuse', 'pause']).default('refuse'),
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
export const changeFreeze = mapping({ from: calendarDay, to: calendarDay, reason: text }).refine(
  ({ from, to }) => from <= to,
  {
    path: ['to'],
    error: 'a day that is not before from',
  },
);
export const site = mapping({
  name,
  timeZone,
  bmcNetwork: field('a network such as 10.1.0.0/16', written => (parseNetwork(written) ? written : undefined)),
  baseline: name.optional(),
  imageListener: listener,
  eventListener: listener.optional(),
  windows: list(maintenanceWindow).default([]),
  changeFreezes: list(changeFreeze).default([]),
  clusters: filled(cluster),
});
