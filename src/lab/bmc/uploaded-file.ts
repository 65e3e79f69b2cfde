/** A file that came with a request. The effect log shows its size and digest, and not its bytes. */
import { sha256 } from '../../core/canonical.ts';
import type { Body } from './reply.ts';

export class UploadedFile {
  readonly size: number;
  readonly sha256: string;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.size = bytes.length;
    this.sha256 = sha256(bytes).toString('hex');
    this.#bytes = bytes;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }
}

/** The parts of a multipart form by name: files as they are, everything else as JSON. `malformed` when it is no such form. */
export function parseForm(bytes: Buffer, boundary: string): Body | 'malformed' {
  const body: Body = {};
  const mark = Buffer.from(`--${boundary}`);
  let at = bytes.indexOf(mark);
  while (at >= 0) {
    const end = bytes.indexOf(mark, at + mark.length);
    if (end < 0) break;
    const headersEnd = bytes.indexOf('\r\n\r\n', at);
    if (headersEnd < 0 || headersEnd > end) return 'malformed';
    const headers = bytes.subarray(at, headersEnd).toString();
    const name = /\bname="([^"]+)"/i.exec(headers)?.[1];
    const content = bytes.subarray(headersEnd + 4, end - 2);
    if (name === undefined) return 'malformed';
    try {
      body[name] = /\bfilename="/i.test(headers) ? new UploadedFile(content) : JSON.parse(content.toString());
    } catch {
      return 'malformed';
    }
    at = end;
  }
  return Object.keys(body).length > 0 ? body : 'malformed';
}
