/** The form in which an image is pushed: what it is for, then the image itself, read as it is sent. */
import { randomUUID } from 'node:crypto';
import type { ImageFile } from '../../core/images.ts';
import type { Upload } from './transport.ts';

export function multipart(parameters: object, image: ImageFile): Upload {
  const boundary = `--------${randomUUID()}`;
  const head = Buffer.from(
    [
      `--${boundary}`,
      'Content-Disposition: form-data; name="UpdateParameters"',
      'Content-Type: application/json',
      '',
      JSON.stringify(parameters),
      `--${boundary}`,
      `Content-Disposition: form-data; name="UpdateFile"; filename="${image.name}"`,
      'Content-Type: application/octet-stream',
      '',
      '',
    ].join('\r\n'),
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    length: head.length + image.size + tail.length,
    async *read() {
      yield head;
      yield* image.read();
      yield tail;
    },
  };
}

/** The bare bytes, for BMCs that take no form. */
export function octetStream(image: ImageFile): Upload {
  return { type: 'application/octet-stream', length: image.size, read: () => image.read() };
}
