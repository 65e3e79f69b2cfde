/** Bytes as the file of an image that is sent. */
import type { ImageFile } from '../../src/core/images.ts';

export function imageFile(bytes: Buffer): ImageFile {
  return {
    name: 'bios.bin',
    size: bytes.length,
    async *read() {
      // In pieces, as a file comes.
      for (let at = 0; at < bytes.length; at += 16_384) yield bytes.subarray(at, at + 16_384);
    },
  };
}
