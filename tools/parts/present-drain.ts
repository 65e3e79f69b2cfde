/** A simulated drain as people read it: the verdict first, then what blocks it, then every pod. */
import { type Block, type Cell, foreign, type Tone, toned } from '../../src/core/document.ts';
import { durationText } from './age.ts';
import type { DrainOutput, DrainPod } from './drain-output.ts';
import { volumesCell } from './volumes-cell.ts';

const tones: Record<DrainOutput['verdict'], Tone> = { blocked: 'bad', stalls: 'bad', waits: 'warn', finishes: 'good' };

export function presentDrain(output: DrainOutput): Block[] {
  const { nodes, cluster, summary, verdict, blockers, cautions, pods, volumes, volumeErrors } = output;
  const moving = pods.filter(({ goes }) => goes !== 'stays');
  const staying = pods.filter(({ goes }) => goes === 'stays');
  return [
    { text: summary, tone: tones[verdict], foreign: true },
    {
      facts: [
        ['drain of', `${nodes.join(', ')} in ${cluster}`],
        ['takes', timeText(output)],
        ['volumes', volumesCell(volumes)],
        ['stay', foreign(staying.map(({ pod }) => pod).join(', ') || 'none')],
      ],
    },
    ...(blockers.length > 0
      ? [
          {
            title: verdict === 'waits' ? 'Holds it' : 'Blocks it',
            list: blockers.map(each => foreign(toned(each, tones[verdict]))),
          },
        ]
      : []),
    ...(cautions.length > 0 ? [{ title: 'Mind', list: cautions.map(each => foreign(toned(each, 'warn'))) }] : []),
    ...(moving.length > 0
      ? [{ table: { columns: ['pod', 'goes', 'next node', 'could take it', 'note'], rows: moving.map(podRow) } }]
      : []),
    ...(volumeErrors.length > 0 ? [{ untrusted: volumeErrors, source: 'storage drivers' }] : []),
    { text: 'A forecast from this moment: the scheduler decides by itself where pods go.', tone: 'muted' },
  ];
}

function timeText({ longestGraceSeconds, turns }: DrainOutput): string {
  const grace = `pods may take up to ${durationText(longestGraceSeconds)} to end`;
  return turns > 1 ? `${grace}, in ${turns} turns of one budget` : grace;
}

const goingTones: Record<DrainPod['goes'], Tone> = {
  now: 'good',
  'in-turn': 'plain',
  waits: 'warn',
  stuck: 'bad',
  leaving: 'muted',
  stays: 'muted',
  blocked: 'bad',
};

function podRow({ pod, goes, nextNode, candidates, refused, ...rest }: DrainPod): Cell[] {
  const place = nextNode ?? (refused === undefined ? '' : toned('nowhere', 'bad'));
  const notes = [
    ...(rest.onlyReplica ? ['only replica'] : []),
    ...(rest.losesData.length > 0 ? ['loses local data'] : []),
    ...(rest.leavesBehind.length > 0 ? ['uses paths of the node'] : []),
    ...(rest.unjudged.length > 0 ? [`not judged: ${rest.unjudged.join(', ')}`] : []),
  ];
  const many = candidates === undefined ? '' : candidates === 1 ? '1 node' : `${candidates} nodes`;
  return [foreign(pod), toned(goes, goingTones[goes]), place, many, foreign(notes.join('; '))];
}
