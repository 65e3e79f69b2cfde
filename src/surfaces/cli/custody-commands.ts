/** Reading, checking and taking away the custody log. All checks run here, on bytes, and not in the service that is checked. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Block, Cell } from '../../core/document.ts';
import { FleetError } from '../../core/errors.ts';
import {
  type CustodyProblem,
  type CustodyVerdict,
  exportBundle,
  verifyBundle,
  verifyLog,
} from '../../gateway/custody.ts';
import type { CustodyHead } from '../http/api.ts';
import type { Client } from './client.ts';
import { type CommandContext, printBlocks, printJson } from './context.ts';
import { addCustodyDuties } from './custody-duties.ts';
import { addEvidenceCommands } from './custody-evidence.ts';
import { addProveCommand, verifyProof, wholeNumber } from './custody-proof.ts';
import { entryCells, entryColumns, entryOf, newestCheckpoint, servedRows } from './custody-rows.ts';
import { showTrail, type TrailOptions } from './custody-trail.ts';
import { reportVerdict } from './custody-verdict.ts';
import { keepCheckpoint, recallCheckpoint } from './seen-checkpoints.ts';

type ShowOptions = { from?: number; limit: number; operation?: string; json?: boolean };
type VerifyOptions = { export?: string; proof?: string; key?: string; anchor?: string[]; forget?: boolean };

/** Adds `custody show|trail|verify|export|status|reconcile`. */
export function addCustodyCommands(program: Command, context: CommandContext): void {
  const group = program
    .command('custody')
    .helpGroup('Prove:')
    .summary('Read, verify and export the custody log')
    .description('The chain-of-custody log: who asked, who decided, what was about to happen, what happened.');
  group
    .command('show')
    .summary('Show entries')
    .description('Shows entries of the log, the newest ones unless told where to begin.')
    .option('--from <seq>', 'first sequence number', wholeNumber)
    .option('--limit <n>', 'how many at most', wholeNumber, 50)
    .option('--operation <id>', 'only what belongs to this operation: its plan, votes and effects')
    .option('--json', 'print the entries as JSON')
    .action((options: ShowOptions) => show(context, options));
  group
    .command('trail')
    .summary("Tell one server's life")
    .description(
      'Tells what the log holds of one server, node or operation, in order: plan, decision, votes, each effect as it was sent and what came back. Each line has its sequence number in the log.',
    )
    .option('--server <serial>', 'the server of this serial number')
    .option('--node <name>', 'the node of this name, whichever servers bore it')
    .option('--operation <id>', 'this operation, on all its nodes')
    .option('--bundle <dir>', 'read an exported folder, after verifying it; needs no service')
    .option('--key <text>', 'the verifier key you keep from elsewhere, for --bundle')
    .option('--json', 'print the lines as JSON, each with its whole entry')
    .action((options: TrailOptions) => showTrail(context, options));
  group
    .command('verify')
    .summary('Verify the log, an export, or a proof')
    .description(
      'Computes the whole log again from its bytes and compares it with every signed checkpoint, and with the one that was verified here last time. Exit status 6 when anything differs.',
    )
    .option('--export <dir>', 'verify an exported folder instead; needs no service')
    .option('--proof <file>', 'verify a proof of "custody prove" instead; needs --key and no service')
    .option('--key <text>', 'the verifier key you keep from elsewhere; else the key that comes with the log is used')
    .option('--anchor <file>', 'a checkpoint that was kept elsewhere; may be given again', collected)
    .option('--forget', 'forget what was verified here before, for a service that was set up anew')
    .action((options: VerifyOptions) => verify(context, options));
  group
    .command('export')
    .summary('Export the log to a folder')
    .description(
      'Writes the log up to its newest checkpoint to a folder, with all that is needed to verify it anywhere.',
    )
    .argument('<dir>', 'new or empty folder')
    .option('--tiles', 'also as tiles, the form that readers of transparency logs know (C2SP tlog-tiles)')
    .action((dir: string, options: { tiles?: boolean }) => exportTo(context, dir, options));
  addProveCommand(group, context);
  addEvidenceCommands(group, context);
  addCustodyDuties(group, context);
}

async function show(context: CommandContext, { from, limit, operation, json }: ShowOptions): Promise<void> {
  const client = await context.client();
  const { size } = await client.custodyHead();
  const digest = operation === undefined ? undefined : await digestOfOperation(client, operation);
  const begin = from ?? (operation === undefined ? Math.max(0, size - limit) : 0);
  const found: { seq: number; cells: Cell[]; entry: unknown }[] = [];
  for await (const row of servedRows(client, begin, size)) {
    if (found.length >= limit) break;
    const entry = entryOf(row);
    if (operation !== undefined && entry?.operation !== operation && entry?.digest !== digest) continue;
    found.push({ seq: row.seq, cells: entryCells(row, entry), entry });
  }
  if (json) return printJson(context, { size, entries: found.map(({ seq, entry }) => ({ seq, entry })) });
  const summary: Block = { text: `${found.length} of ${size} entries`, tone: 'muted' };
  printBlocks(context, [{ table: { columns: entryColumns, rows: found.map(each => each.cells) } }, summary]);
}

/** Beyond every event of any operation. */
const afterAll = 2 ** 31 - 1;

/** Plan, decision and votes know the digest, not the operation that came of them. */
async function digestOfOperation(client: Client, operation: string): Promise<string> {
  return (await client.operationEvents(operation, { after: afterAll, waitMs: 0 })).operation.digest;
}

async function verify(context: CommandContext, options: VerifyOptions): Promise<void> {
  if (options.proof !== undefined) return verifyProof(context, { ...options, proof: options.proof });
  const anchors = await anchorsOf(options);
  if (options.export !== undefined)
    return reportVerdict(context, await verifyBundle(options.export, { verifierKey: options.key, anchors }));
  const { configDir } = context.settings;
  const client = await context.client();
  if (options.forget) await keepCheckpoint(configDir, client.url, undefined);
  const seen = await recallCheckpoint(configDir, client.url);
  const head = await settledHead(client);
  // A key from elsewhere, or of the last time, is trusted before the service's word: rotations have to lead from it.
  const verifierKey = options.key ?? seen?.verifierKey ?? head.verifierKey;
  const verdict = await verifyLog({
    rows: servedRows(client, 0, head.size),
    head: { size: head.size, root: rootOf(head), peaks: head.peaks.map(peak => Buffer.from(peak, 'base64')) },
    checkpoints: head.checkpoints,
    anchors: [...(seen ? [seen] : []), ...anchors],
    verifierKey,
  });
  const problems: CustodyProblem[] = [];
  if ((verdict.ok ? verdict.verifierKey : verifierKey) !== head.verifierKey) {
    const known =
      options.key !== undefined || !seen ? 'yours' : `the one that it had when it was verified here at ${seen.at}`;
    problems.push({ problem: `the service names a verifier key that no rotation leads to from ${known}` });
  }
  const whole: CustodyVerdict =
    problems.length === 0 ? verdict : { ok: false, problems: [...problems, ...(verdict.ok ? [] : verdict.problems)] };
  const newest = newestCheckpoint(head);
  if (whole.ok && newest) {
    await keepCheckpoint(configDir, client.url, {
      verifierKey: head.verifierKey,
      note: newest,
      at: new Date().toISOString(),
    });
  }
  reportVerdict(context, whole, seen && `also held against what was verified here at ${seen.at}`);
}

/** A head and its checkpoints are read one after the other; when one was signed in between, both are read again. */
async function settledHead(client: Client): Promise<CustodyHead> {
  const head = await client.custodyHead();
  return head.checkpoints.some(checkpoint => checkpoint.size > head.size) ? client.custodyHead() : head;
}

async function exportTo(context: CommandContext, dir: string, { tiles }: { tiles?: boolean }): Promise<void> {
  const client = await context.client();
  const head = await client.custodyHead();
  const checkpoint = newestCheckpoint(head);
  if (checkpoint === undefined) {
    throw new FleetError({
      code: 'precondition_failed',
      retry: 'later',
      message: 'the log has no checkpoint yet, so there is nothing signed to export',
    });
  }
  const { verifierKey, size } = head;
  const written = await exportBundle({
    dir,
    rows: servedRows(client, 0, size),
    checkpoint,
    earlier: head.checkpoints,
    verifierKey,
    tiles,
  });
  const left = size - written;
  const tail = left > 0 ? ` ${left} newer entries wait for the next checkpoint.` : '';
  printBlocks(context, [{ text: `${written} entries written to ${dir}.${tail}` }]);
  reportVerdict(context, await verifyBundle(dir, { verifierKey }));
}

function rootOf({ root }: CustodyHead): Buffer {
  return Buffer.from(root, /^[0-9a-f]{64}$/i.test(root) ? 'hex' : 'base64');
}

async function anchorsOf({ anchor = [] }: VerifyOptions): Promise<{ note: string }[]> {
  return Promise.all(anchor.map(async file => ({ note: await readFile(file, 'utf8').catch(unreadable(file)) })));
}

function unreadable(file: string): (cause: unknown) => never {
  return cause => {
    throw new FleetError({ code: 'invalid_input', message: `the checkpoint ${file} cannot be read`, cause });
  };
}

function collected(file: string, earlier: string[] = []): string[] {
  return [...earlier, file];
}
