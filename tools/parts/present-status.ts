/** A cluster's status as people read it: what is wrong first, then the nodes, then the rest; what is well is one line. */
import { type Block, type Cell, foreign, toned } from '../../src/core/document.ts';
import { ageText, durationText } from './age.ts';
import { barsOf, fullestBar } from './amounts.ts';
import { cordonText } from './cordon-owner.ts';
import { machineWord } from './machine-word.ts';
import type { NodeStatus, StatusOutput } from './status-output.ts';

const mostBars = 20;

export function presentStatus(status: StatusOutput): Block[] {
  const { summary, level, problems, nodes, asOf } = status;
  return [
    { text: summary, tone: level === 'ok' ? 'good' : level === 'warning' ? 'warn' : 'bad' },
    ...(problems.length > 0
      ? [
          {
            title: 'Look at',
            list: problems.map(each => foreign(toned(each.text, each.level === 'critical' ? 'bad' : 'warn'))),
          },
        ]
      : []),
    { facts: factRows(status) },
    {
      table: {
        columns: ['node', 'role', 'zone', 'state', 'lease', 'pods', 'kubelet', 'cordoned', 'taints'],
        rows: nodes.map(node => [nameCell(node.node, status), ...nodeRow(node, asOf)]),
      },
    },
    ...capacity(status),
    ...pending(status),
    ...untrustedBlocks(status),
  ];
}

/** A Node that groundskeeper.yaml does not have was named by whoever joined it. */
function nameCell(name: string, { unlisted }: Pick<StatusOutput, 'unlisted'>): Cell {
  return unlisted.includes(name) ? foreign(name) : name;
}

function factRows({
  version,
  unlisted,
  disruption,
  etcd,
  remediators,
  storage,
  budgets,
  daemonSets,
}: StatusOutput): [string, Cell][] {
  const { maxUnavailable, unavailable, moreMayGoDown } = disruption;
  const strange = unavailable.filter(name => unlisted.includes(name)).length;
  const down = [
    ...unavailable.filter(name => !unlisted.includes(name)),
    ...(strange > 0 ? [`${strange} that groundskeeper.yaml does not have`] : []),
  ].join(', ');
  return [
    ['version', foreign(version)],
    [
      'nodes down',
      toned(
        `${unavailable.length} of at most ${maxUnavailable}${down === '' ? '' : `: ${down}`}; ${moreMayGoDown} more may go down now`,
        moreMayGoDown > 0 ? 'plain' : 'warn',
      ),
    ],
    ['etcd', etcdCell(etcd)],
    ['budgets', budgets.length === 0 ? 'all allow a disruption' : toned(`${budgets.length} allow none`, 'warn')],
    ['DaemonSets', daemonSets.length === 0 ? 'all ready' : toned(`${daemonSets.length} not ready everywhere`, 'warn')],
    [
      'also repair nodes',
      typeof remediators === 'string'
        ? toned(remediators, 'warn')
        : foreign(
            remediators
              .map(({ remediator, paused, busyWith }) => remediatorText(remediator, paused, busyWith))
              .join('; ') || 'nothing known',
          ),
    ],
    [
      'storage',
      typeof storage === 'string'
        ? toned(storage, 'warn')
        : foreign(storage.map(({ storage: name, health }) => `${name} ${health}`).join('; ') || 'tells nothing'),
    ],
  ];
}

function remediatorText(name: string, paused: string, busyWith: string[]): string {
  const busy = busyWith.length > 0 ? `, works on ${busyWith.join(', ')}` : '';
  return `${name} (${paused === 'no' ? 'not paused' : `paused ${paused}`}${busy})`;
}

function etcdCell(etcd: StatusOutput['etcd']): Cell {
  if (typeof etcd === 'string') return toned(etcd, 'warn');
  const { members, healthy, quorum, mayLose, evidence } = etcd;
  const leader = members.find(member => member.leader === 'yes')?.node;
  const text = `${healthy} of ${members.length} healthy, quorum ${quorum}, may lose ${mayLose}${leader ? `, leader ${leader}` : ''} (from ${evidence})`;
  return toned(text, healthy === members.length && members.length > 0 ? 'good' : healthy < quorum ? 'bad' : 'warn');
}

function nodeRow(node: NodeStatus, now: string): Cell[] {
  const { ready, readySince, conditions, leaseAgeSeconds: lease, leaseStale, requested, cordon, taints } = node;
  const bad = conditions.map(({ type }) => type).filter(type => type !== 'Ready');
  const since = ageText(readySince, now);
  const state = `${ready ? 'Ready' : 'NotReady'}${since ? ` ${since}` : ''}${bad.length > 0 ? `, ${bad.join(', ')}` : ''}`;
  return [
    node.role,
    node.zone === undefined ? '' : foreign(node.zone),
    foreign(toned(state, ready ? (bad.length > 0 ? 'warn' : 'good') : 'bad')),
    typeof lease === 'number'
      ? toned(durationText(Math.max(0, lease)), leaseStale ? 'bad' : 'plain')
      : toned('?', 'warn'),
    `${requested.pods.requested}/${requested.pods.allocatable}`,
    foreign(node.kubelet),
    cordon ? toned(cordonText(cordon), 'warn') : '',
    taints.length > 0 ? foreign(taints.join(', ')) : '',
  ];
}

function capacity({ requested, nodes, unlisted }: StatusOutput): Block[] {
  const each = nodes
    .map(({ node, requested: here }) => ({
      ...fullestBar(node, here),
      ...(unlisted.includes(node) && { foreign: true as const }),
    }))
    .toSorted((a, b) => b.share - a.share);
  const more = each.length > mostBars ? `, the ${mostBars} fullest of ${each.length}` : '';
  return [
    { title: 'Requested, of the nodes that take pods', bars: barsOf(requested) },
    { title: `What each node has least of${more}`, bars: each.slice(0, mostBars) },
  ];
}

function pending({ pending: pods, asOf }: StatusOutput): Block[] {
  if (pods.length === 0) return [];
  const rows = pods.map(({ pod, since, waiting, message }): Cell[] => [
    foreign(pod),
    ageText(since, asOf),
    message ? 'no node takes it' : waiting === undefined ? 'starts' : foreign(machineWord(waiting)),
  ]);
  return [{ table: { columns: ['pending pod', 'for', 'because'], rows } }];
}

/** What machines wrote, kept apart from our words. */
function untrustedBlocks({ nodes, pending: pods, storage }: StatusOutput): Block[] {
  const conditions = nodes.flatMap(({ node, conditions: bad }) =>
    bad.map(({ type, reason, message }) => `${node} ${type}: ${[reason, message].filter(Boolean).join(': ')}`),
  );
  const reasons = pods.filter(({ message }) => message).map(({ pod, message }) => `${pod}: ${message}`);
  const cordons = nodes.flatMap(({ node, cordon }) => (cordon?.reason ? [`${node}: ${cordon.reason}`] : []));
  const told =
    typeof storage === 'string'
      ? []
      : storage.filter(({ message }) => message).map(each => `${each.storage}: ${each.message}`);
  return [
    ...(conditions.length > 0 ? [{ untrusted: conditions, source: 'conditions of the nodes' }] : []),
    ...(cordons.length > 0 ? [{ untrusted: cordons, source: 'reasons of cordons, from annotations' }] : []),
    ...(reasons.length > 0 ? [{ untrusted: reasons, source: 'the scheduler' }] : []),
    ...(told.length > 0 ? [{ untrusted: told, source: 'the storage systems' }] : []),
  ];
}
