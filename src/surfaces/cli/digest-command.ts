/** Digests from the command line: what is scheduled, and one of them now. */
import type { Command } from 'commander';
import { type CommandContext, printBlocks, printJson } from './context.ts';

/** Adds `digest`. */
export function addDigestCommand(program: Command, context: CommandContext): void {
  program
    .command('digest')
    .helpGroup('Ask:')
    .summary('Digests: what is scheduled, or one now')
    .description(
      'Lists the digests that are scheduled. With --now it makes one and sends it nowhere: of the whole fleet, or the one that is named.',
    )
    .argument('[name]', 'a digest of the configuration')
    .option('--now', 'make it now and print it')
    .option('--json', 'print the answer as JSON')
    .addHelpText('after', '\nExample:\n  groundskeeper digest --now')
    .action(async (name: string | undefined, { now = false, json = false }: { now?: boolean; json?: boolean }) => {
      const client = await context.client();
      if (now || name !== undefined) {
        const blocks = await client.digestNow(name);
        if (json) printJson(context, blocks);
        else printBlocks(context, blocks);
        return;
      }
      const digests = await client.digests();
      if (json) return printJson(context, digests);
      if (digests.length === 0)
        return printBlocks(context, [
          {
            text: 'None is scheduled: write one under digests in groundskeeper.yaml. One of the fleet now: groundskeeper digest --now',
          },
        ]);
      printBlocks(context, [
        {
          table: {
            columns: ['digest', 'schedule', 'next', 'last', ''],
            rows: digests.map(({ name: shown, cron, timeZone, next, last }) => [
              shown,
              `${cron} (${timeZone})`,
              next,
              last?.due ?? '',
              last ? { text: last.state, tone: last.state === 'failed' ? 'bad' : 'plain' } : '',
            ]),
          },
        },
      ]);
    });
}
