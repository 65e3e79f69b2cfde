/** Where digests go besides chats: a file that grows, or the service's own output. */
import { appendFile, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Block } from '../../core/document.ts';
import { renderBlocks } from '../cli/render.ts';

type Digest = { due: string; blocks: Block[] };

const style = { columns: 100, color: false };

export function fileSink(file: string): (digest: Digest) => Promise<void> {
  return async digest => {
    await mkdir(dirname(file), { recursive: true });
    await appendFile(file, textOf(digest));
  };
}

export function outputSink(write: (text: string) => void): (digest: Digest) => Promise<void> {
  return async digest => write(textOf(digest));
}

function textOf({ blocks, due }: Digest): string {
  return `${renderBlocks(blocks, style)}\n\n(due ${due})\n${'─'.repeat(style.columns)}\n`;
}
