/** Where digests go besides chats: a file that grows, with plots beside it, or the service's own output. */
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, extname } from 'node:path';
import type { Block } from '../../core/document.ts';
import { FleetError } from '../../core/errors.ts';
import type { Picture } from '../../core/picture.ts';
import { renderBlocks } from '../cli/render.ts';
import { drawPicture } from '../plots/draw-picture.ts';

type Digest = { name: string; due: string; blocks: Block[]; pictures: Picture[] };
type Log = { warn(fields: object, message: string): void };

const style = { columns: 100, color: false };

/** Each digest names its plots. One that cannot be drawn or stored is left out and logged. */
export function fileSink(file: string, log: Log): (digest: Digest) => Promise<void> {
  return async digest => {
    await mkdir(dirname(file), { recursive: true });
    const plots = await plotsBeside(file, digest, log);
    await appendFile(file, textOf(digest, plots));
  };
}

export function outputSink(write: (text: string) => void): (digest: Digest) => Promise<void> {
  return async digest => write(textOf(digest));
}

function textOf({ blocks, due }: Omit<Digest, 'pictures'>, plots: string[] = []): string {
  const beside = plots.length > 0 ? `; plots: ${plots.join(', ')}` : '';
  return `${renderBlocks(blocks, style)}\n\n(due ${due}${beside})\n${'─'.repeat(style.columns)}\n`;
}

/** `digests.txt` has `digests-morning-2026-11-27T07-00Z-1-compliance.png` beside it. Answers their names. */
async function plotsBeside(file: string, { name, due, pictures }: Digest, log: Log): Promise<string[]> {
  const stem = file.slice(0, file.length - extname(file).length);
  const minute = `${due.slice(0, 16).replace(':', '-')}Z`;
  const stored: string[] = [];
  for (const [index, picture] of pictures.entries()) {
    const plot = `${stem}-${name}-${minute}-${index + 1}-${picture.kind}.png`;
    try {
      await writeFile(plot, await drawPicture(picture));
      stored.push(basename(plot));
    } catch (thrown) {
      log.warn({ digest: name, plot, error: FleetError.from(thrown) }, 'a plot of a digest is not there');
    }
  }
  return stored;
}
