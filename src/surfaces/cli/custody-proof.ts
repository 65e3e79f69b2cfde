/** Proofs of the custody log for somebody who has nothing but a checkpoint's key: made and checked here, not in the service. */
import { readFile, writeFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError } from 'commander';
import type { Block } from '../../core/document.ts';
import { FleetError } from '../../core/errors.ts';
import { openProof, type Proved, proveContinuation, proveInclusion } from '../../gateway/custody.ts';
import { type CommandContext, printBlocks } from './context.ts';
import { entryCells, entryColumns, entryOf, newestCheckpoint, servedRows } from './custody-rows.ts';
import { exitCodes } from './exit-codes.ts';

type ProveOptions = { since?: string; out?: string };
export type ProofOptions = { proof: string; key?: string; anchor?: string[] };

/** Adds `custody prove`. */
export function addProveCommand(group: Command, context: CommandContext): void {
  group
    .command('prove')
    .summary('Prove one entry, or that the log goes on from a checkpoint')
    .description(
      'Writes a proof that holds for whoever has the verifier key: that an entry is in the log, with the entry inside (C2SP tlog-proof), or, with --since, that the log of today begins with all that an older checkpoint signed. Check it with: custody verify --proof',
    )
    .argument('[seq]', 'sequence number of the entry', wholeNumber)
    .option('--since <file>', 'an older checkpoint, as anchors and exports hold it')
    .option('--out <file>', 'write it to a new file instead of printing it')
    .action((seq: number | undefined, options: ProveOptions) => prove(context, seq, options));
}

async function prove(context: CommandContext, seq: number | undefined, { since, out }: ProveOptions): Promise<void> {
  if ((seq === undefined) === (since === undefined))
    throw new FleetError({ code: 'invalid_input', message: 'name either one entry, or a checkpoint with --since' });
  const older = since === undefined ? undefined : await textOf(since);
  const client = await context.client();
  const head = await client.custodyHead();
  const checkpoint = newestCheckpoint(head);
  if (checkpoint === undefined)
    throw new FleetError({ code: 'precondition_failed', retry: 'later', message: 'nothing is signed yet' });
  const leaves: Uint8Array[] = [];
  let bytes: Uint8Array = new Uint8Array();
  for await (const row of servedRows(client, 0, head.size)) {
    leaves.push(row.leaf);
    if (row.seq === seq) bytes = row.bytes;
  }
  const from = { leaves, checkpoint };
  const proof = older === undefined ? proveInclusion(from, { seq: seq ?? 0, bytes }) : proveContinuation(from, older);
  if (out === undefined) return void context.terminal.output.write(proof);
  await writeFile(out, proof, { flag: 'wx' }).catch(cause => {
    throw new FleetError({ code: 'invalid_input', message: `${out} cannot be written, or is there already`, cause });
  });
  printBlocks(context, [{ text: `Written to ${out}.`, tone: 'good' }]);
}

/** Checks a proof; one that does not hold sets the exit status. Needs no service. */
export async function verifyProof(
  context: CommandContext,
  { proof: file, key, anchor = [] }: ProofOptions,
): Promise<void> {
  if (key === undefined)
    throw new FleetError({
      code: 'invalid_input',
      message: 'a proof is checked with the verifier key that you keep: --key',
    });
  const [older, ...more] = anchor;
  if (more.length > 0)
    throw new FleetError({ code: 'invalid_input', message: 'a proof begins with one checkpoint at most' });
  const text = await textOf(file);
  const note = older === undefined ? undefined : await textOf(older);
  let proved: Proved;
  try {
    proved = openProof(text, { verifierKey: key, older: note });
  } catch (thrown) {
    context.finish(exitCodes.custody);
    return printBlocks(context, [{ text: `This proves nothing: ${FleetError.from(thrown).message}.`, tone: 'bad' }]);
  }
  printBlocks(context, toldProof(proved));
}

function toldProof(proved: Proved): Block[] {
  if (proved.proves === 'continuation')
    return [
      {
        text: `Proved: the log of ${proved.size} entries begins with all ${proved.from} of the checkpoint.`,
        tone: 'good',
      },
    ];
  const row = { seq: proved.seq, bytes: proved.entry, leaf: new Uint8Array() };
  return [
    { text: `Proved: this is entry ${proved.seq} of the log of ${proved.size} entries.`, tone: 'good' },
    { table: { columns: entryColumns, rows: [entryCells(row, entryOf(row))] } },
  ];
}

function textOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(cause => {
    throw new FleetError({ code: 'invalid_input', message: `${file} cannot be read`, cause });
  });
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It is not a whole number.');
  return Number(text);
}
