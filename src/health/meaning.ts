/**
 * What a node's hardware means for what runs on it, in sentences that follow
 * from readings alone. A reading that is missing is told as missing.
 */
import {
  factValue,
  type HealthLevel,
  type LogEntry,
  type MemoryErrors,
  type SensorReading,
  type ServerHealth,
  showFact,
  unknown,
} from '../core/bmc.ts';
import type { NodeFacts, PodFacts } from '../core/cluster-facts.ts';

export type Remark = { level: HealthLevel; text: string };

export type NodeView = {
  server: ServerHealth;
  /** A second look at the memory counters, some seconds later, where the first showed corrected errors. */
  later?: { memory: MemoryErrors[]; seconds: number };
  node?: NodeFacts;
  pods: PodFacts[];
  /** `kind namespace/name` of workloads whose only ready pod runs here. */
  singles: string[];
};

export function remarksOf(view: NodeView): Remark[] {
  const { server } = view;
  const remarks = [
    ...sensorRemarks('fan', server.fans),
    ...sensorRemarks('temperature', server.temperatures),
    ...memoryRemarks(view),
    ...logRemarks(server.log),
  ];
  if (remarks.length > 0) remarks.push(workloadRemark(view, remarks));
  return remarks;
}

/** The worst of the BMC's own roll-up and our remarks; unknown where the BMC tells nothing. */
export function overallHealth(server: ServerHealth, remarks: Remark[]): HealthLevel | 'unknown' {
  if (remarks.some(remark => remark.level === 'critical')) return 'critical';
  const rollup = 'value' in server.health ? server.health.value : undefined;
  if (rollup === 'critical') return 'critical';
  if (rollup === 'warning' || remarks.some(remark => remark.level === 'warning')) return 'warning';
  return rollup ?? 'unknown';
}

function sensorRemarks(kind: string, sensors: ServerHealth['fans']): Remark[] {
  if ('unknown' in sensors) return [];
  return sensors.value.flatMap(sensor => {
    if (!('value' in sensor.health) || sensor.health.value === 'ok') return [];
    return [
      { level: sensor.health.value, text: `${kind} ${sensor.name} is ${sensor.health.value} at ${reading(sensor)}` },
    ];
  });
}

function reading(sensor: SensorReading): string {
  const unit = { celsius: '°C', rpm: 'rpm', percent: '%' }[sensor.unit];
  return 'value' in sensor.reading ? `${sensor.reading.value} ${unit}` : showFact(sensor.reading);
}

function memoryRemarks({ server, later }: NodeView): Remark[] {
  if ('unknown' in server.memory) return [];
  return server.memory.value.flatMap(({ dimm, corrected, uncorrected, health }): Remark[] => {
    const count = factValue(corrected) ?? 0;
    const level = factValue(health) ?? 'ok';
    const lost = factValue(uncorrected) ?? 0;
    if (lost > 0) return [{ level: 'critical', text: `${dimm}: ${lost} uncorrectable memory errors` }];
    const again = factValue(later?.memory.find(candidate => candidate.dimm === dimm)?.corrected ?? unknown('not read'));
    const rise = again === undefined ? 0 : again - count;
    // A few corrected errors over a machine's life are normal: only a rise or the BMC's own judgement is news.
    if (rise <= 0 && level === 'ok') return [];
    const trend = rise > 0 ? `, rising: ${rise} more within ${later?.seconds} s` : '';
    const told = count > 0 ? `${count} corrected memory errors${trend}` : `the BMC calls it ${level}`;
    return [{ level: level === 'critical' ? 'critical' : 'warning', text: `${dimm}: ${told}` }];
  });
}

function logRemarks(log: ServerHealth['log']): Remark[] {
  if ('unknown' in log) return [];
  const critical = log.value.filter((entry: LogEntry) => entry.severity === 'critical').length;
  return critical > 0
    ? [
        {
          level: 'warning',
          text: `${critical} critical ${critical === 1 ? 'entry' : 'entries'} among the newest ${log.value.length} of the event log`,
        },
      ]
    : [];
}

function workloadRemark({ node, pods, singles }: NodeView, remarks: Remark[]): Remark {
  const level = remarks.some(remark => remark.level === 'critical') ? 'critical' : 'warning';
  const blind = !node
    ? 'What Kubernetes sees is not known'
    : !node.ready
      ? 'Kubernetes shows the node as not Ready'
      : node.unschedulable
        ? 'The node is cordoned: nothing new is placed here'
        : 'Kubernetes shows the node as Ready and keeps placing pods here';
  const alone = singles.length > 0 ? `; without a second replica: ${singles.join(', ')}` : '';
  return {
    level,
    text: `${pods.length} pods run on this server${alone}. ${blind}; drain-node would move them before the hardware decides`,
  };
}
