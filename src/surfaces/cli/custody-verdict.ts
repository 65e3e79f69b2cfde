/** The outcome of checking a custody log, for people. */
import type { Block, Cell } from '../../core/document.ts';
import type { CustodyVerdict, OpenIntent } from '../../gateway/custody.ts';
import { type CommandContext, printBlocks } from './context.ts';
import { exitCodes } from './exit-codes.ts';

/** Prints the verdict; one that finds anything also sets the exit status. */
export function reportVerdict(context: CommandContext, verdict: CustodyVerdict, note?: string): void {
  if (!verdict.ok) {
    context.finish(exitCodes.custody);
    printBlocks(context, [
      { text: 'The custody log does NOT verify.', tone: 'bad' },
      { list: verdict.problems.map(({ problem }): Cell => ({ text: problem, tone: 'bad' })) },
    ]);
    return;
  }
  const { size, root, checkpoint, unsignedTail, anchor, openIntents } = verdict;
  const blocks: Block[] = [
    { text: 'The custody log verifies: nothing was changed, dropped or swapped.', tone: 'good' },
    {
      facts: [
        ['entries', String(size)],
        ['root', root],
        ['signed up to', `${checkpoint.size}${note ? `; ${note}` : ''}`],
        ['not signed yet', `${unsignedTail} newer entries`],
        ['held against', tailCell(anchor.size, size)],
        [
          'open effects',
          openIntents.length === 0
            ? 'none'
            : { text: `${openIntents.length} announced, not concluded yet`, tone: 'warn' },
        ],
      ],
    },
  ];
  if (openIntents.length > 0)
    blocks.push({
      table: { columns: ['open since', 'operation', 'step', 'action'], rows: openIntents.map(openCells) },
    });
  printBlocks(context, blocks);
}

function openCells({ seq, operation, step, action }: OpenIntent): Cell[] {
  return [`entry ${seq}`, operation, step, action];
}

/** What the owner of database and key could still have rewritten, for lack of a checkpoint that they cannot reach. */
function tailCell(anchored: number, size: number): Cell {
  if (size === 0) return 'nothing, as there are no entries';
  if (anchored === size) return `a checkpoint kept elsewhere, of all ${size} entries`;
  const tail = `entries ${anchored} to ${size - 1}: who has the database and the key could have rewritten them`;
  if (anchored === 0) return { text: `no checkpoint kept elsewhere covers ${tail}`, tone: 'warn' };
  return { text: `a checkpoint kept elsewhere, of ${anchored} entries; none covers ${tail}`, tone: 'warn' };
}
