/** What runs on a node as people read it: what its failure would stop comes first. */
import { type Block, type Cell, foreign, type Tone, toned } from '../../src/core/document.ts';
import { barsOf, requestsText } from './amounts.ts';
import { machineWord } from './machine-word.ts';
import { volumesCell } from './volumes-cell.ts';
import type { WorkloadRow, WorkloadsOutput } from './workloads-output.ts';

const tones: Record<WorkloadRow['ifNodeFails'], Tone> = { local: 'muted', degraded: 'plain', down: 'bad', lost: 'bad' };

export function presentWorkloads(output: WorkloadsOutput): Block[] {
  const { node, cluster, summary, workloads, requested, volumes, volumeErrors, finished } = output;
  const told = workloads.filter(({ ifNodeFails }) => ifNodeFails !== 'local');
  const effects = told.flatMap(each => failureLines(each));
  const unwell = workloads.flatMap(each => each.pods.filter(pod => !pod.ready || pod.restarts > 0));
  const rows = workloads.map(workloadRow);
  return [
    { heading: `${node} (${cluster})` },
    { text: summary },
    ...(effects.length > 0 ? [{ title: 'If this node fails', list: effects }] : []),
    { table: { columns: ['workload', 'here', 'elsewhere', 'requests', 'priority', 'budget', 'data'], rows } },
    ...(unwell.length > 0
      ? [{ table: { columns: ['pod', 'phase', 'ready', 'restarts', 'waits for'], rows: unwell.map(podRow) } }]
      : []),
    {
      facts: [
        ['volumes', volumesCell(volumes)],
        ...(finished > 0 ? ([['finished pods', String(finished)]] as [string, string][]) : []),
      ],
    },
    { title: 'Requested', bars: barsOf(requested) },
    ...(volumeErrors.length > 0 ? [{ untrusted: volumeErrors, source: 'storage drivers' }] : []),
  ];
}

const verdicts: Record<WorkloadRow['ifNodeFails'], string> = {
  local: 'ends with the node',
  degraded: 'goes on elsewhere',
  down: 'is down',
  lost: 'is lost: nothing starts it again',
};

/** A workload that simply goes on elsewhere needs no line. */
function failureLines({ workload, ifNodeFails, readyElsewhere, consequences }: WorkloadRow): Cell[] {
  if (ifNodeFails === 'degraded' && consequences.length === 0) return [];
  const count = ifNodeFails === 'degraded' ? ` with ${readyElsewhere} ready` : '';
  const told = [`${workload} ${verdicts[ifNodeFails]}${count}`, ...consequences].join('; ');
  return [foreign(toned(told, tones[ifNodeFails]))];
}

function workloadRow(row: WorkloadRow): Cell[] {
  const ready = row.pods.filter(pod => pod.ready).length;
  const alone = row.ifNodeFails === 'down' || row.ifNodeFails === 'lost';
  return [
    foreign(row.workload),
    toned(`${ready}/${row.pods.length} ready`, ready === row.pods.length ? 'good' : 'warn'),
    row.ifNodeFails === 'local' ? '' : toned(String(row.readyElsewhere), alone ? 'bad' : 'plain'),
    requestsText({ ...row.requests, pods: row.pods.length }) || 'nothing',
    row.priorityClass === undefined ? (row.priority === 0 ? '' : String(row.priority)) : foreign(row.priorityClass),
    foreign(row.budgets.map(({ budget }) => budget).join(', ')),
    foreign([...row.claims.map(claim => `claim ${claim}`), ...row.localData].join(', ')),
  ];
}

function podRow({ pod, phase, ready, restarts, waiting, terminating }: WorkloadRow['pods'][number]): Cell[] {
  return [
    foreign(pod),
    terminating ? 'ending' : foreign(phase),
    ready ? 'yes' : toned('no', 'warn'),
    String(restarts),
    waiting === undefined ? '' : foreign(machineWord(waiting)),
  ];
}
