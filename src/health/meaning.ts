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
import type { NodeFacts, PodFacts } from '../core/cluster.ts';

export type Finding = { level: HealthLevel; text: string };

export type NodeView = {
  server: ServerHealth;
  /** A second look at the memory counters, some seconds later, where the first showed corrected errors. */
  later?: { memory: MemoryErrors[]; seconds: number };
  node?: NodeFacts;
  pods: PodFacts[];
  /** `kind namespace/name` of workloads whose only ready pod runs here. */
  singles: string[];
};

export function findingsOf(view: NodeView): Finding[] {
  const { server } = view;
  const findings = [
    ...sensorFindings('fan', server.fans),
    ...sensorFindings('temperature', server.temperatures),
    ...memoryFindings(view),
    ...logFindings(server.log),
  ];
  if (findings.length > 0) findings.push(workloadFinding(view, findings));
  return findings;
}

/** The worst of the BMC's own roll-up and our findings; unknown where the BMC tells nothing. */
export function overallHealth(server: ServerHealth, findings: Finding[]): HealthLevel | 'unknown' {
  if (findings.some(finding => finding.level === 'critical')) return 'critical';
  const rollup = 'value' in server.health ? server.health.value : undefined;
  if (rollup === 'critical') return 'critical';
  if (rollup === 'warning' || findings.some(finding => finding.level === 'warning')) return 'warning';
  return rollup ?? 'unknown';
}

function sensorFindings(kind: string, sensors: ServerHealth['fans']): Finding[] {
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

function memoryFindings({ server, later }: NodeView): Finding[] {
  if ('unknown' in server.memory) return [];
  return server.memory.value.flatMap(({ dimm, corrected, uncorrected, health }): Finding[] => {
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

function logFindings(log: ServerHealth['log']): Finding[] {
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

function workloadFinding({ node, pods, singles }: NodeView, findings: Finding[]): Finding {
  const level = findings.some(finding => finding.level === 'critical') ? 'critical' : 'warning';
  const blind = node?.ready
    ? 'Kubernetes shows the node as Ready and keeps placing pods here'
    : 'Kubernetes shows the node as not Ready';
  const alone = singles.length > 0 ? `; without a second replica: ${singles.join(', ')}` : '';
  return {
    level,
    text: `${pods.length} pods run on this server${alone}. ${blind}; drain-node would move them before the hardware decides`,
  };
}
