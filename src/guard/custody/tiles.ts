/**
 * The log in the form of C2SP tlog-tiles, which readers of transparency logs
 * know: hashes in tiles of 256, entries in bundles of 256, each under a path
 * that follows from its number, so that a proof needs a few small files only.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { leafHash, merkleRoot } from './merkle.ts';

/** Hashes of a tile, entries of a bundle. */
const width = 256;

type Level = { written: number; hashes: Buffer[] };

/** Takes the entries in, in order; holds no more than one tile of each level. */
export class TileWriter {
  readonly #dir: string;
  readonly #levels: Level[] = [];
  #bundle: Buffer[] = [];
  #bundles = 0;

  /** `dir` is where the log's `checkpoint` stands. */
  constructor(dir: string) {
    this.#dir = dir;
  }

  async add(entry: Uint8Array): Promise<void> {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(entry.length);
    this.#bundle.push(Buffer.concat([length, entry]));
    await this.#push(0, leafHash(entry));
    if (this.#bundle.length === width) await this.#writeBundle();
  }

  /** Writes what is left as partial tiles. */
  async end(): Promise<void> {
    if (this.#bundle.length > 0) await this.#writeBundle();
    for (const [index, level] of this.#levels.entries())
      if (level.hashes.length > 0) await this.#writeTile(index, level);
  }

  async #push(index: number, hash: Buffer): Promise<void> {
    this.#levels[index] ??= { written: 0, hashes: [] };
    const level = this.#levels[index];
    level.hashes.push(hash);
    if (level.hashes.length < width) return;
    const root = merkleRoot(level.hashes);
    await this.#writeTile(index, level);
    await this.#push(index + 1, root);
  }

  async #writeTile(index: number, level: Level): Promise<void> {
    await this.#write(tilePath(String(index), level.written++, level.hashes.length), Buffer.concat(level.hashes));
    level.hashes = [];
  }

  async #writeBundle(): Promise<void> {
    await this.#write(tilePath('entries', this.#bundles++, this.#bundle.length), Buffer.concat(this.#bundle));
    this.#bundle = [];
  }

  async #write(path: string, bytes: Buffer): Promise<void> {
    const file = join(this.#dir, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes, { flag: 'wx' });
  }
}

/** `tile/0/x001/x234/067` for the full tile 1234067 of level 0; a tile of fewer than 256 ends in `.p/<how many>`. */
export function tilePath(level: string, number: number, filled: number): string {
  const digits = String(number);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g) ?? [];
  const path = groups.map((group, index) => (index < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${level}/${path}${filled < width ? `.p/${filled}` : ''}`;
}
