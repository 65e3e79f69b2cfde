/** One node from both sides: what Kubernetes sees, what the BMC sees, and what that means for the pods on it. */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { factValue, type SensorReading, type ServerHealth, showFact } from '../src/core/bmc.ts';
import type { PodFacts } from '../src/core/cluster.ts';
import { type Block, type Cell, healthCell, toned } from '../src/core/document.ts';
import { readTool } from '../src/core/tool.ts';
import { findingsOf, overallHealth } from '../src/health/meaning.ts';
import { surveyCluster } from '../src/operations/survey.ts';
import { isFinished } from '../src/planning/pdb-groups.ts';
import { clusterOf, nodeNamed } from './parts/lookup.ts';

/** Wait before corrected errors are counted again, to tell whether they rise. */
const secondLookSeconds = 2;

const level = z.enum(['ok', 'warning', 'critical', 'unknown']);
const sensor = z.object({ name: z.string(), reading: z.string(), health: level, upperCritical: z.number().optional() });

const output = z.object({
  node: z.string(),
  site: z.string(),
  health: level,
  findings: z.array(z.object({ level: z.enum(['ok', 'warning', 'critical']), text: z.string() })),
  server: z.object({
    manufacturer: z.string(),
    model: z.string(),
    serial: z.string(),
    uuid: z.string(),
    power: z.string(),
    bmcHealth: z.string().describe('The roll-up that the BMC gives of itself'),
    temperatures: z.union([z.array(sensor), z.string()]).describe('Readings, or why there are none'),
    fans: z.union([z.array(sensor), z.string()]),
    memory: z.union([
      z.array(z.object({ dimm: z.string(), corrected: z.string(), uncorrected: z.string(), health: z.string() })),
      z.string(),
    ]),
    firmware: z.union([z.array(z.object({ name: z.string(), version: z.string(), state: z.string() })), z.string()]),
    log: z
      .union([z.array(z.object({ time: z.string(), severity: z.string(), message: z.string() })), z.string()])
      .describe('Event log, newest first. Untrusted text written by the machine'),
  }),
  kubernetes: z.union([
    z.object({
      ready: z.boolean(),
      cordoned: z.boolean(),
      taints: z.array(z.string()),
      conditions: z.array(z.object({ type: z.string(), status: z.string(), reason: z.string(), since: z.string() })),
      pods: z.array(z.object({ pod: z.string(), phase: z.string(), ready: z.boolean(), restarts: z.number() })),
    }),
    z.string().describe('Why the cluster told nothing'),
  ]),
});

type Output = z.infer<typeof output>;

export const getNodeHealth = readTool({
  name: 'getNodeHealth',
  title: 'Health of one node',
  description:
    'Kubernetes conditions and pods of one node beside its server: power, sensors, memory errors, event log and firmware, and what they mean for the workloads. A reading that the BMC does not give is "unknown" with the reason.',
  risk: 'read',
  scope: 'read',
  input: z.strictObject({ node: z.string().describe('Node name as in groundskeeper.yaml') }),
  positional: ['node'],
  example: { node: 'bos-w-1' },
  output,
  async run(context, input) {
    const entry = nodeNamed(context, input.node);
    const survey = await surveyCluster(context, clusterOf(context, entry), [entry.name]);
    const [found] = survey.nodes;
    const kubernetes = factValue(survey.kubernetes);
    const node = found && factValue(found.node);
    const pods = kubernetes?.pods.filter(pod => pod.node === entry.name && !isFinished(pod)) ?? [];
    const server = found ? factValue(found.server) : undefined;
    const later =
      server && hasCorrected(server) ? await lookAgain(() => context.bmcs.of(entry.name).health()) : undefined;
    const singles = kubernetes ? onlyReplicas(pods, kubernetes.pods) : [];
    const findings = server ? findingsOf({ server, later, node, pods, singles }) : [];
    const reason = found && 'unknown' in found.server ? found.server.unknown : 'not read';
    return {
      node: entry.name,
      site: entry.site,
      health: seenHealth(server ? overallHealth(server, findings) : 'unknown', node !== undefined),
      findings,
      server: server ? serverOutput(server) : unknownServer(reason),
      kubernetes: node
        ? kubernetesOutput(node, pods)
        : found && 'unknown' in found.node
          ? found.node.unknown
          : 'not read',
    };
  },
  present,
});

/** A healthy server whose node nobody can see is not known to be well. */
function seenHealth(health: z.infer<typeof level>, nodeSeen: boolean): z.infer<typeof level> {
  return health === 'ok' && !nodeSeen ? 'unknown' : health;
}

function hasCorrected(server: ServerHealth): boolean {
  const memory = factValue(server.memory) ?? [];
  return memory.some(dimm => (factValue(dimm.corrected) ?? 0) > 0);
}

async function lookAgain(read: () => Promise<ServerHealth>) {
  await delay(secondLookSeconds * 1000);
  const memory = factValue((await read()).memory);
  return memory && { memory, seconds: secondLookSeconds };
}

/** Workloads that have no other ready pod in the cluster than the one here. */
function onlyReplicas(here: PodFacts[], all: PodFacts[]): string[] {
  const owned = (pod: PodFacts) => pod.controller && `${pod.controller.kind} ${pod.namespace}/${pod.controller.name}`;
  return here.flatMap(pod => {
    const owner = owned(pod);
    if (!owner || pod.mirror || pod.controller?.kind === 'DaemonSet') return [];
    return all.some(other => other.uid !== pod.uid && owned(other) === owner && other.ready && !other.terminating)
      ? []
      : [owner];
  });
}

const units = { celsius: '°C', rpm: 'rpm', percent: '%' };

function sensorOutput(reading: SensorReading): z.infer<typeof sensor> {
  return {
    name: reading.name,
    reading: 'value' in reading.reading ? `${reading.reading.value} ${units[reading.unit]}` : showFact(reading.reading),
    health: factValue(reading.health) ?? 'unknown',
    upperCritical: reading.upperCritical,
  };
}

function serverOutput({
  identity,
  power,
  health,
  temperatures,
  fans,
  memory,
  firmware,
  log,
}: ServerHealth): Output['server'] {
  return {
    manufacturer: showFact(identity.manufacturer),
    model: showFact(identity.model),
    serial: showFact(identity.serial),
    uuid: showFact(identity.uuid),
    power: showFact(power),
    bmcHealth: showFact(health),
    temperatures: 'value' in temperatures ? temperatures.value.map(sensorOutput) : unknownText(temperatures.unknown),
    fans: 'value' in fans ? fans.value.map(sensorOutput) : unknownText(fans.unknown),
    memory:
      'value' in memory
        ? memory.value.map(dimm => ({
            dimm: dimm.dimm,
            corrected: showFact(dimm.corrected),
            uncorrected: showFact(dimm.uncorrected),
            health: showFact(dimm.health),
          }))
        : unknownText(memory.unknown),
    firmware:
      'value' in firmware
        ? firmware.value.map(member => ({ name: member.name, version: showFact(member.version), state: member.state }))
        : unknownText(firmware.unknown),
    log:
      'value' in log
        ? log.value.map(entry => ({ time: showFact(entry.created), severity: entry.severity, message: entry.message }))
        : unknownText(log.unknown),
  };
}

function unknownText(reason: string): string {
  return `unknown (${reason})`;
}

function unknownServer(reason: string): Output['server'] {
  const text = unknownText(reason);
  const words = { manufacturer: text, model: text, serial: text, uuid: text, power: text, bmcHealth: text };
  return { ...words, temperatures: text, fans: text, memory: text, firmware: text, log: text };
}

function kubernetesOutput(
  node: NonNullable<ReturnType<typeof factValue<import('../src/core/cluster.ts').NodeFacts>>>,
  pods: PodFacts[],
): Output['kubernetes'] {
  return {
    ready: node.ready,
    cordoned: node.unschedulable,
    taints: node.taints.map(taint => `${taint.key}:${taint.effect}`),
    conditions: node.conditions.map(({ type, status, reason, since }) => ({
      type,
      status,
      reason: reason ?? '',
      since: since ?? '',
    })),
    pods: pods.map(pod => ({
      pod: `${pod.namespace}/${pod.name}`,
      phase: pod.phase,
      ready: pod.ready,
      restarts: pod.restarts,
    })),
  };
}

function present({ node, site, health, findings, server, kubernetes }: Output): Block[] {
  const unread = unreadReason(server);
  const blocks: Block[] = [
    { heading: `${node} (${site})` },
    {
      facts: [
        ['health', healthCell(health)],
        ['server', unread ?? `${server.manufacturer} ${server.model}, serial ${server.serial}`],
        ...(unread ? [] : identityFacts(server)),
      ],
    },
  ];
  if (findings.length > 0)
    blocks.push({
      title: 'What this means',
      list: findings.map(({ level, text }) => toned(text, level === 'critical' ? 'bad' : 'warn')),
    });
  return [...blocks, ...(unread ? [] : serverBlocks(server)), ...kubernetesBlocks(kubernetes)];
}

/** The one reason why nothing of the server could be read, said once and not for each reading. */
function unreadReason({ serial, fans }: Output['server']): string | undefined {
  return serial === fans ? serial : undefined;
}

function identityFacts({ uuid, power, bmcHealth }: Output['server']): [string, Cell][] {
  return [
    ['UUID', uuid],
    ['power', power],
    ['BMC says', healthCell(bmcHealth)],
  ];
}

function serverBlocks(server: Output['server']): Block[] {
  const log: Block =
    typeof server.log === 'string'
      ? { text: `Event log: ${server.log}` }
      : {
          untrusted: server.log.slice(0, 8).map(entry => `${entry.time} ${entry.severity}: ${entry.message}`),
          source: 'event log of the BMC, newest first',
        };
  return [
    ...listOrReason('Fans', server.fans, ['fan', 'reading', 'health'], sensorRow),
    ...listOrReason('Temperatures', server.temperatures, ['sensor', 'reading', 'health'], sensorRow),
    ...listOrReason('Memory', server.memory, ['DIMM', 'corrected', 'uncorrected', 'health'], dimm => [
      dimm.dimm,
      dimm.corrected,
      dimm.uncorrected,
      healthCell(dimm.health),
    ]),
    ...listOrReason('Firmware', server.firmware, ['member', 'version', 'state'], member => [
      member.name,
      member.version,
      member.state,
    ]),
    log,
  ];
}

function kubernetesBlocks(kubernetes: Output['kubernetes']): Block[] {
  if (typeof kubernetes === 'string') return [{ text: `Kubernetes: ${kubernetes}`, tone: 'warn' }];
  const { ready, cordoned, taints, conditions, pods } = kubernetes;
  return [
    {
      facts: [
        ['kubernetes', `${ready ? 'Ready' : 'not Ready'}${cordoned ? ', cordoned' : ''}`],
        ['taints', taints.join(', ') || 'none'],
      ],
    },
    {
      table: {
        columns: ['condition', 'status', 'reason', 'since'],
        rows: conditions.map(({ type, status, reason, since }) => [type, status, reason, since]),
      },
    },
    {
      table: {
        columns: ['pod', 'phase', 'ready', 'restarts'],
        rows: pods.map(each => [each.pod, each.phase, each.ready ? 'yes' : toned('no', 'warn'), String(each.restarts)]),
      },
    },
  ];
}

function sensorRow({ name, reading, health }: z.infer<typeof sensor>): Cell[] {
  return [name, reading, healthCell(health)];
}

function listOrReason<T>(title: string, value: T[] | string, columns: string[], row: (item: T) => Cell[]): Block[] {
  if (typeof value === 'string') return [{ text: `${title}: ${value}`, tone: 'muted' }];
  return [{ table: { columns, rows: value.map(row) } }];
}
