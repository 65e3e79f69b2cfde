/** A node's health as people read it: the verdict, what it means, then both sides in detail. */
import { type Block, type Cell, foreign, healthCell, toned } from '../../src/core/document.ts';
import { ageText, durationText } from './age.ts';
import { barsOf } from './amounts.ts';
import { cordonText } from './cordon-owner.ts';
import type { HealthOutput, KubernetesOutput, SensorOutput, ServerOutput } from './health-output.ts';
import { machineWord } from './machine-word.ts';
import { unreadReason } from './server-health.ts';
import { volumesCell } from './volumes-cell.ts';

const newestLog = 8;

export function presentHealth({ node, site, asOf, health, findings, server, kubernetes }: HealthOutput): Block[] {
  const unread = unreadReason(server);
  const list = findings.map(({ level, text }) => foreign(toned(text, level === 'critical' ? 'bad' : 'warn')));
  return [
    { heading: `${node} (${site})` },
    {
      facts: [
        ['health', healthCell(health)],
        ['server', unread ?? foreign(`${server.manufacturer} ${server.model}, serial ${server.serial}`)],
        ...(unread ? [] : identityFacts(server)),
        ...kubernetesFacts(kubernetes, asOf),
      ],
    },
    ...(list.length > 0 ? [{ title: 'What this means', list }] : []),
    ...(unread ? [] : serverBlocks(server)),
    ...(typeof kubernetes === 'string' ? [] : kubernetesBlocks(kubernetes, asOf)),
  ];
}

function identityFacts({ uuid, power, bmcHealth }: ServerOutput): [string, Cell][] {
  return [
    ['UUID', foreign(uuid)],
    ['power', foreign(power)],
    ['BMC says', healthCell(bmcHealth)],
  ];
}

function kubernetesFacts(kubernetes: HealthOutput['kubernetes'], now: string): [string, Cell][] {
  if (typeof kubernetes === 'string') return [['kubernetes', toned(kubernetes, 'warn')]];
  const { ready, readySince, cordon, taints, leaseAgeSeconds: lease, leaseStale, volumes } = kubernetes;
  const since = ageText(readySince, now);
  const state = `${ready ? 'Ready' : 'not Ready'}${since ? ` for ${since}` : ''}`;
  const age = typeof lease === 'number' ? `renewed ${durationText(Math.max(0, lease))} ago` : lease;
  return [
    ['kubernetes', toned(state, ready ? 'good' : 'bad')],
    ['lease', toned(age, leaseStale ? 'bad' : typeof lease === 'number' ? 'plain' : 'warn')],
    ['cordoned', cordon ? toned(cordonText(cordon), 'warn') : 'no'],
    ['taints', taints.length > 0 ? foreign(taints.join(', ')) : 'none'],
    ['volumes', volumesCell(volumes)],
  ];
}

function serverBlocks(server: ServerOutput): Block[] {
  const log: Block =
    typeof server.log === 'string'
      ? { text: `Event log: ${server.log}` }
      : {
          untrusted: server.log.slice(0, newestLog).map(entry => `${entry.time} ${entry.severity}: ${entry.message}`),
          source: 'event log of the BMC, newest first',
        };
  return [
    ...listOrReason('Fans', server.fans, ['fan', 'reading', 'health'], sensorRow),
    ...listOrReason('Temperatures', server.temperatures, ['sensor', 'reading', 'health'], sensorRow),
    ...listOrReason('Memory', server.memory, ['DIMM', 'corrected', 'uncorrected', 'health'], dimm => [
      foreign(dimm.dimm),
      dimm.corrected,
      dimm.uncorrected,
      healthCell(dimm.health),
    ]),
    ...listOrReason('Firmware', server.firmware, ['member', 'version', 'state'], member => [
      foreign(member.name),
      foreign(member.version),
      foreign(member.state),
    ]),
    log,
  ];
}

function kubernetesBlocks(kubernetes: KubernetesOutput, now: string): Block[] {
  const { conditions, requested, pods, pinned } = kubernetes;
  const conditionRows = conditions.map(({ type, status, reason, since, well }): Cell[] => [
    foreign(type),
    foreign(toned(status, well ? 'good' : 'bad')),
    reason === '' ? '' : foreign(machineWord(reason)),
    ageText(since, now),
  ]);
  return [
    { table: { columns: ['condition', 'status', 'reason', 'for'], rows: conditionRows } },
    typeof requested === 'string'
      ? { text: `Requests: ${requested}`, tone: 'muted' }
      : { title: 'Requested', bars: barsOf(requested) },
    ...listOrReason('Pods', pods, ['pod', 'phase', 'ready', 'restarts'], each => [
      foreign(each.pod),
      foreign(each.phase),
      each.ready ? 'yes' : toned('no', 'warn'),
      String(each.restarts),
    ]),
    ...(typeof pinned !== 'string' && pinned.length === 0
      ? []
      : listOrReason('Pods that wait for this node', pinned, ['waits for this node', 'for'], each => [
          foreign(each.pod),
          ageText(each.since, now),
        ])),
    ...untrustedBlocks(kubernetes, now),
  ];
}

/** What machines wrote, kept apart from our words. */
function untrustedBlocks({ conditions, cordon, pinned, volumeErrors, events }: KubernetesOutput, now: string): Block[] {
  const told = conditions
    .filter(({ well, message }) => !well && message)
    .map(({ type, reason, message }) => `${type}: ${[reason, message].filter(Boolean).join(': ')}`);
  const scheduler =
    typeof pinned === 'string' ? [] : pinned.filter(each => each.message).map(each => `${each.pod}: ${each.message}`);
  return [
    ...untrusted(told, 'conditions of the node'),
    ...untrusted(cordon?.reason ? [cordon.reason] : [], 'reason of the cordon, from an annotation'),
    ...untrusted(scheduler, 'the scheduler'),
    ...untrusted(volumeErrors, 'storage drivers'),
    ...(typeof events === 'string'
      ? [{ text: `Events: ${events}`, tone: 'muted' as const }]
      : untrusted(
          events.map(event => eventLine(event, now)),
          'events of the node, newest first',
        )),
  ];
}

function eventLine(
  { lastSeen, type, reason, message, count }: Exclude<KubernetesOutput['events'], string>[number],
  now: string,
): string {
  const age = ageText(lastSeen, now);
  return `${age ? `${age} ago ` : ''}${type} ${reason}: ${message}${count > 1 ? ` (${count} times)` : ''}`;
}

function untrusted(lines: string[], source: string): Block[] {
  return lines.length > 0 ? [{ untrusted: lines, source }] : [];
}

function sensorRow({ name, reading, health }: SensorOutput): Cell[] {
  return [foreign(name), reading, healthCell(health)];
}

function listOrReason<T>(title: string, value: T[] | string, columns: string[], row: (item: T) => Cell[]): Block[] {
  if (typeof value === 'string') return [{ text: `${title}: ${value}`, tone: 'muted' }];
  return [{ table: { columns, rows: value.map(row) } }];
}
