/**
 * Checkpoints: a tree's size and root in a signed note (C2SP signed-note and
 * tlog-checkpoint), so that tools in any language open them. Everything about
 * a note that is not exactly as the format says is a reason to refuse it.
 */
import { sign, verify } from 'node:crypto';
import type { TreeHead } from '../../core/custody.ts';
import { FleetError } from '../../core/errors.ts';
import { fromBase64 } from './base64.ts';
import { isKeyName, type Signer, type Verifier } from './signing-key.ts';

const maxNoteLength = 100_000;
const maxSignatures = 100;

export type Checkpoint = TreeHead & { origin: string };

/** The note over a tree head, with a signature of each signer; their common name is the log's origin. */
export function signCheckpoint(head: TreeHead, ...signers: [Signer, ...Signer[]]): string {
  if (head.root.length !== 32 || !Number.isSafeInteger(head.size) || head.size < 0)
    throw malformed('no such tree head');
  const text = `${signers[0].name}\n${head.size}\n${Buffer.from(head.root).toString('base64')}\n`;
  const lines = signers.map(({ name, keyId, privateKey }) => {
    const signature = Buffer.concat([keyId, sign(null, Buffer.from(text), privateKey)]);
    return `— ${name} ${signature.toString('base64')}\n`;
  });
  return `${text}\n${lines.join('')}`;
}

/** A note that is well formed; nobody's signature was checked. */
export type ParsedNote = { text: string; signatures: Signature[]; checkpoint: Checkpoint };

/** Throws `invalid_input` unless it is exactly as the format says. */
export function parseNote(note: string): ParsedNote {
  const { text, signatures } = splitNote(note);
  return { text, signatures, checkpoint: parseCheckpoint(text) };
}

/** Whether the key signed it. Throws `invalid_input` on a signature that names the key and is not its own. */
export function signedBy({ text, signatures }: Pick<ParsedNote, 'text' | 'signatures'>, verifier: Verifier): boolean {
  const ours = signatures.filter(line => line.name === verifier.name && line.keyId.equals(verifier.keyId));
  const bytes = Buffer.from(text);
  if (!ours.every(line => verify(null, bytes, verifier.publicKey, line.signature))) {
    throw malformed('the checkpoint signature is wrong');
  }
  return ours.length > 0;
}

/** Throws `invalid_input` unless that key signed the note as one of its own log. */
export function requireSignature(note: ParsedNote, verifier: Verifier | undefined): void {
  if (!verifier || !signedBy(note, verifier)) throw malformed('the checkpoint is not signed by the expected key');
  if (note.checkpoint.origin !== verifier.name) throw malformed('the checkpoint belongs to another log');
}

/**
 * The checkpoint inside a note that the verifier's key signed. Signatures of
 * other keys are skipped, as witnesses may add theirs; extension lines are not
 * accepted, as this log writes none. Throws `invalid_input` on anything else.
 */
export function openCheckpoint(note: string, verifier: Verifier): Checkpoint {
  const parsed = parseNote(note);
  requireSignature(parsed, verifier);
  return parsed.checkpoint;
}

type Signature = { name: string; keyId: Buffer; signature: Buffer };

function splitNote(note: string): { text: string; signatures: Signature[] } {
  if (note.length > maxNoteLength) throw malformed('the note is too long');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the format forbids exactly these
  if (!note.isWellFormed() || /[\x00-\x09\x0b-\x1f]/.test(note)) throw malformed('the note holds forbidden characters');
  const end = note.lastIndexOf('\n\n');
  if (end < 0 || !note.endsWith('\n')) throw malformed('the note has no signature block');
  const lines = note.slice(end + 2, -1).split('\n');
  if (lines.length > maxSignatures) throw malformed('the note has too many signatures');
  return { text: note.slice(0, end + 1), signatures: lines.map(parseSignature) };
}

function parseSignature(line: string): Signature {
  const [, name, encoded] = /^— (\S+) (\S+)$/u.exec(line) ?? [];
  const bytes = encoded === undefined ? undefined : fromBase64(encoded);
  if (name === undefined || !isKeyName(name) || !bytes || bytes.length < 5)
    throw malformed('a signature line is malformed');
  return { name, keyId: bytes.subarray(0, 4), signature: bytes.subarray(4) };
}

function parseCheckpoint(text: string): Checkpoint {
  const [origin, digits, encoded, end, ...more] = text.split('\n');
  if (!origin || digits === undefined || encoded === undefined || end !== '' || more.length > 0) {
    throw malformed('a checkpoint is exactly an origin, a size and a root');
  }
  const size = Number(digits);
  const root = fromBase64(encoded);
  if (!/^(0|[1-9][0-9]*)$/.test(digits) || !Number.isSafeInteger(size))
    throw malformed('the checkpoint size is malformed');
  if (root?.length !== 32) throw malformed('the checkpoint root is malformed');
  return { origin, size, root };
}

function malformed(message: string): FleetError {
  return new FleetError({ code: 'invalid_input', message });
}
