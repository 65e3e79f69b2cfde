/** How the answer to a change is told. */
import type { ChangeAnswer } from '../../src/core/change.ts';
import { type Block, foreign, toned } from '../../src/core/document.ts';
import { shortDigest } from '../../src/planning/plan-card.ts';

const tones = { planned: 'plain', started: 'good', approval_required: 'warn', denied: 'bad' } as const;

export function presentChange(answer: ChangeAnswer): Block[] {
  const blocks: Block[] = [
    {
      facts: [
        ['status', toned(answer.status, tones[answer.status])],
        ['plan', `${answer.plan}  digest ${shortDigest(answer.digest)}…`],
        ['what', answer.summary],
        ...(answer.approval ? ([['approval', answer.approval]] as [string, string][]) : []),
        ...(answer.operation ? ([['operation', answer.operation]] as [string, string][]) : []),
      ],
    },
  ];
  if (answer.reasons.length > 0) blocks.push({ title: 'Policy says', list: answer.reasons.map(foreign) });
  if (answer.warnings.length > 0)
    blocks.push({ title: 'Warnings', list: answer.warnings.map(text => foreign(toned(text, 'warn'))) });
  blocks.push({ text: answer.next });
  return blocks;
}
