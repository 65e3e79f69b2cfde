/** Ways to meddle with an export or with the database's rows, drawn by a seed, each told in words for the test that misses one. */
import type { Dice } from './history-parts.ts';

/** The files of an export that are evidence; its README is an explanation that nobody signed. */
export const evidence = ['entries.ndjson', 'leaves', 'checkpoint', 'verifier-key'] as const;
export type Evidence = Record<(typeof evidence)[number], Buffer>;

const lists = ['entries.ndjson', 'leaves'] as const;

/** One change of an export's files. */
export function meddledExport(files: Evidence, { whole }: Dice): { what: string; changed: Partial<Evidence> } {
  const name = evidence[whole(evidence.length)] ?? 'leaves';
  const bytes = files[name];
  const at = whole(bytes.length);
  const list = lists[whole(lists.length)] ?? 'leaves';
  const [one, other] = twoOf(linesOf(files.leaves).length, whole);
  switch (whole(8)) {
    case 0:
      return { what: `byte ${at} of ${name} is gone`, changed: { [name]: without(bytes, at) } };
    case 1:
      return { what: `${name} is cut at byte ${at}`, changed: { [name]: bytes.subarray(0, at) } };
    case 2:
      return { what: `line ${one} of ${list} is gone`, changed: { [list]: withoutLine(files[list], one) } };
    case 3: {
      const changed = Object.fromEntries(lists.map(each => [each, withoutLine(files[each], one)]));
      return { what: `entry ${one} and its leaf are gone`, changed };
    }
    case 4: {
      const changed = Object.fromEntries(lists.map(each => [each, swapped(files[each], one, other)]));
      return { what: `entries ${one} and ${other} are swapped with their leaves`, changed };
    }
    case 5:
      return {
        what: `lines ${one} and ${other} of ${list} are swapped`,
        changed: { [list]: swapped(files[list], one, other) },
      };
    default: {
      const bit = whole(8);
      return { what: `bit ${bit} of byte ${at} of ${name} is turned`, changed: { [name]: turned(bytes, at, bit) } };
    }
  }
}

/** One statement over the rows, as somebody may run it who is past the triggers. `size` entries, ids from 0. */
export function meddledRows(size: number, checkpoints: number[], { whole }: Dice): string {
  const [one, other] = twoOf(size, whole);
  const signed = checkpoints[whole(checkpoints.length)];
  const turn = (column: string) => bitTurned(column, whole(1 << 20));
  switch (whole(10)) {
    case 0:
      return `delete from custody_entry where seq = ${one}`;
    case 1:
      return `update custody_entry a set bytes = b.bytes, leaf = b.leaf from custody_entry b
        where (a.seq, b.seq) in ((${one}, ${other}), (${other}, ${one}))`;
    case 2:
      return `update custody_entry set leaf = ${turn('leaf')} where seq = ${one}`;
    case 3:
      return `update custody_entry set seq = seq # (1::bigint << ${8 + whole(40)}) where seq = ${one}`;
    case 4:
      return `update custody_head set root = ${turn('root')}`;
    case 5:
      return `update custody_head set size = size # (1::bigint << ${whole(50)})`;
    case 6:
      return `update custody_head set frontier[1] = ${turn('frontier[1]')}`;
    case 7:
      return `update custody_checkpoint set size = size # (1::bigint << ${8 + whole(40)}) where size = ${signed}`;
    case 8:
      return `update custody_checkpoint set note = overlay(note placing '~' from 1 + ${whole(1 << 20)} % length(note)) where size = ${signed}`;
    default:
      return `update custody_entry set bytes = ${turn('bytes')} where seq = ${one}`;
  }
}

/** The value of a bytea column with one bit turned, somewhere inside. */
function bitTurned(column: string, at: number): string {
  const where = `(${at} % (octet_length(${column}) * 8))::bigint`;
  return `set_bit(${column}, ${where}, 1 - get_bit(${column}, ${where}))`;
}

/** Two different numbers below `size`. */
function twoOf(size: number, whole: Dice['whole']): [number, number] {
  const one = whole(size);
  return [one, (one + 1 + whole(size - 1)) % size];
}

function turned(bytes: Buffer, at: number, bit: number): Buffer {
  const changed = Buffer.from(bytes);
  changed.writeUInt8(changed.readUInt8(at) ^ (1 << bit), at);
  return changed;
}

function without(bytes: Buffer, at: number): Buffer {
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
}

function linesOf(bytes: Buffer): string[] {
  return bytes.toString('utf8').split('\n').slice(0, -1);
}

function withoutLine(bytes: Buffer, line: number): Buffer {
  return joined(linesOf(bytes).toSpliced(line, 1));
}

function swapped(bytes: Buffer, one: number, other: number): Buffer {
  const lines = linesOf(bytes);
  const [first = '', second = ''] = [lines[one], lines[other]];
  return joined(lines.with(one, second).with(other, first));
}

function joined(lines: string[]): Buffer {
  return Buffer.from(lines.map(line => `${line}\n`).join(''));
}
