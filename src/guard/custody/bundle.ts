/**
 * An export that can be checked far from the service, years later, with
 * whatever language is at hand: plain files, and a README that says how.
 */
import { createReadStream } from 'node:fs';
import { access, mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CustodyRow } from '../../core/custody.ts';
import { FleetError } from '../../core/errors.ts';
import { bundleReadme } from './bundle-readme.ts';
import { decodeEntry } from './entry-bytes.ts';
import { openCheckpoint } from './note.ts';
import { parseVerifierKey } from './signing-key.ts';
import { TileWriter } from './tiles.ts';
import { type CustodyProblem, type CustodyVerdict, verifyLog } from './verify.ts';

export type Bundle = {
  /** New or empty. */
  dir: string;
  /** In order, from 0; rows beyond the checkpoint stay out. */
  rows: AsyncIterable<CustodyRow>;
  /** Signed note. */
  checkpoint: string;
  verifierKey: string;
  /** Signed notes of smaller trees: those that carry a rotation of the key go along. */
  earlier?: { size: number; note: string }[];
  /** Also as C2SP tlog-tiles, under `tile/`. */
  tiles?: boolean;
};

/**
 * Writes the entries that the checkpoint signs, byte for byte, and returns how many. It copies and does not judge: verify the
 * result. Throws `conflict` when the folder already holds a bundle, `precondition_failed` when rows are missing.
 */
export async function exportBundle(bundle: Bundle): Promise<number> {
  const { size } = openCheckpoint(bundle.checkpoint, parseVerifierKey(bundle.verifierKey));
  await mkdir(bundle.dir, { recursive: true });
  const entries = await createNew(join(bundle.dir, 'entries.ndjson'));
  const leaves = await createNew(join(bundle.dir, 'leaves'));
  const tiles = bundle.tiles ? new TileWriter(bundle.dir) : undefined;
  const rotations: number[] = [];
  let written = 0;
  try {
    for await (const row of bundle.rows) {
      if (written === size) break;
      if (row.seq !== written) break;
      await entries.write(Buffer.concat([row.bytes, Buffer.from('\n')]));
      await leaves.write(`${Buffer.from(row.leaf).toString('hex')}\n`);
      await tiles?.add(row.bytes);
      if (isRotation(row)) rotations.push(written);
      written++;
    }
  } finally {
    await entries.close();
    await leaves.close();
  }
  if (written < size) {
    throw new FleetError({
      code: 'precondition_failed',
      message: `the checkpoint signs ${size} entries, entry ${written} is missing`,
      hint: 'verify the custody log',
    });
  }
  await tiles?.end();
  await writeFile(join(bundle.dir, 'checkpoint'), bundle.checkpoint);
  for (const [index, seq] of rotations.entries()) {
    const bridge = bundle.earlier?.find(each => each.size > seq && each.size <= size);
    await writeFile(join(bundle.dir, `rotation-${index + 1}`), bridge?.note ?? bundle.checkpoint);
  }
  await writeFile(join(bundle.dir, 'verifier-key'), `${bundle.verifierKey}\n`);
  await writeFile(join(bundle.dir, 'README'), bundleReadme(bundle.verifierKey));
  return written;
}

function isRotation({ bytes }: CustodyRow): boolean {
  return Buffer.from(bytes).includes('"type":"key.rotated"') && decodeEntry(bytes).entry?.type === 'key.rotated';
}

/** The notes that carry the log from one key to the next. */
async function rotationNotes(dir: string): Promise<{ note: string }[]> {
  const notes = [];
  for (let index = 1; ; index++) {
    const note = await readFile(join(dir, `rotation-${index}`), 'utf8').catch(() => undefined);
    if (note === undefined) return notes;
    notes.push({ note });
  }
}

async function createNew(file: string) {
  return open(file, 'wx').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EEXIST') throw cause;
    throw new FleetError({
      code: 'conflict',
      message: 'the folder already holds an export',
      hint: 'name another folder',
      cause,
    });
  });
}

export type BundleCheck = {
  /** The key kept from elsewhere; without it the bundle's own key is used, which proves only that the bundle agrees with itself. */
  verifierKey?: string;
  /** Signed notes kept where the bundle's maker cannot reach them. */
  anchors?: { note: string }[];
  /** Is shown every row on the way, before anything is known: what it made of them counts only if the verdict is good. */
  see?(row: CustodyRow): void;
};

/** Verifies an exported folder. Throws `invalid_input` when files are missing or the key is none. */
export async function verifyBundle(
  dir: string,
  { verifierKey, anchors, see }: BundleCheck = {},
): Promise<CustodyVerdict> {
  const note = await readPart(dir, 'checkpoint');
  const enclosed = await readPart(dir, 'verifier-key');
  const key = verifierKey ?? enclosed.replace(/\n$/, '');
  await access(join(dir, 'entries.ndjson')).catch(missing('entries.ndjson'));
  const claimed = (await readPart(dir, 'leaves')).split('\n').slice(0, -1);
  const problems: CustodyProblem[] = [];
  const verdict = await verifyLog({
    rows: shown(bundleRows(dir, claimed, problems), see),
    checkpoints: [...(await rotationNotes(dir)), { note }],
    anchors,
    verifierKey: key,
  });
  if (enclosed !== `${verdict.ok ? verdict.verifierKey : key}\n`)
    problems.push({ problem: 'the export encloses another verifier key than the one that signs it' });
  if (verdict.ok && verdict.unsignedTail > 0) {
    problems.push({ problem: `${verdict.unsignedTail} entries follow that the checkpoint does not sign` });
  }
  if (problems.length === 0) return verdict;
  return { ok: false, problems: verdict.ok ? problems : [...verdict.problems, ...problems] };
}

async function* shown(rows: AsyncIterable<CustodyRow>, see: BundleCheck['see']): AsyncGenerator<CustodyRow> {
  for await (const row of rows) {
    see?.(row);
    yield row;
  }
}

async function* bundleRows(dir: string, claimed: string[], problems: CustodyProblem[]): AsyncGenerator<CustodyRow> {
  let seq = 0;
  for await (const { bytes, ended } of lines(createReadStream(join(dir, 'entries.ndjson')))) {
    if (!ended) problems.push({ seq, problem: `entry ${seq} does not end with a line feed` });
    yield { seq, bytes, leaf: leafIn(claimed[seq]) };
    seq++;
  }
  if (claimed.length > seq)
    problems.push({ seq, problem: `${claimed.length} leaves are listed, ${seq} entries are there` });
}

/** Lines as bytes, split at line feeds only: any other change to a line has to reach its hash. */
async function* lines(chunks: AsyncIterable<Buffer>): AsyncGenerator<{ bytes: Buffer; ended: boolean }> {
  let rest = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      yield { bytes: rest.subarray(0, end), ended: true };
      rest = rest.subarray(end + 1);
    }
  }
  if (rest.length > 0) yield { bytes: rest, ended: false };
}

/** Empty, and so no entry's, unless written exactly as an export writes it: Node's own decoder takes capitals too. */
function leafIn(line = ''): Buffer {
  return Buffer.from(/^[0-9a-f]{64}$/.test(line) ? line : '', 'hex');
}

async function readPart(dir: string, name: string): Promise<string> {
  return readFile(join(dir, name), 'utf8').catch(missing(name));
}

function missing(name: string): (cause: unknown) => never {
  return cause => {
    throw new FleetError({ code: 'invalid_input', message: `the export has no readable file "${name}"`, cause });
  };
}
