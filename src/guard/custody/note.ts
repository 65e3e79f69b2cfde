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

/** The signed note over a tree head; the signer's name is the log's origin. */
export function signCheckpoint(head: TreeHead, signer: Signer): string {
  if (head.root.length !== 32 || !Number.isSafeInteger(head.size) || head.size < 0)
    throw malformed('no such tree head');
  const text = `${signer.name}\n${head.size}\n${Buffer.from(head.root).toString('base64')}\n`;
  const signature = Buffer.concat([signer.keyId, sign(null, Buffer.from(text), signer.privateKey)]);
  return `${text}\n— ${signer.name} ${signature.toString('base64')}\n`;
}

/**
 * The checkpoint inside a note that the verifier's key signed. Signatures of
 * other keys are skipped, as witnesses may add theirs; extension lines are not
 * accepted, as this log writes none. Throws `invalid_input` on anything else.
 */
export function openCheckpoint(note: string, verifier: Verifier): Checkpoint {
  const { text, signatures } = splitNote(note);
  const ours = signatures.filter(line => line.name === verifier.name && line.keyId.equals(verifier.keyId));
  if (ours.length === 0) throw malformed('the checkpoint is not signed by the expected key');
  const bytes = Buffer.from(text);
  if (!ours.every(line => verify(null, bytes, verifier.publicKey, line.signature))) {
    throw malformed('the checkpoint signature is wrong');
  }
  const checkpoint = parseCheckpoint(text);
  if (checkpoint.origin !== verifier.name) throw malformed('the checkpoint belongs to another log');
  return checkpoint;
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
