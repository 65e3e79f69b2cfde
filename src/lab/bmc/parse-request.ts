/** From what came over the wire to a request as the BMC sees it. */
import type { IncomingMessage } from 'node:http';
import type { Body } from './reply.ts';
import type { BmcRequest } from './requests.ts';
import { parseForm, UploadedFile } from './uploaded-file.ts';

const bodyLimit = 1024 * 1024;

/** Reads the body to its end. Throws when it is larger than 1 MiB. */
export async function parseRequest(request: IncomingMessage): Promise<BmcRequest> {
  const bytes = await readBytes(request);
  const url = URL.parse(request.url ?? '/', 'https://bmc') ?? new URL('https://bmc/');
  const token = request.headers['x-auth-token'];
  return {
    method: request.method ?? 'GET',
    path: decode(url.pathname).replace(/\/+$/, ''),
    query: url.searchParams,
    token: typeof token === 'string' ? token : undefined,
    authorization: request.headers.authorization,
    ifMatch: request.headers['if-match'],
    ifNoneMatch: request.headers['if-none-match'],
    body: bodyOf(bytes, request.headers['content-type'] ?? ''),
  };
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function bodyOf(bytes: Buffer, type: string): Body | undefined | 'malformed' {
  if (type === 'application/octet-stream') return { UpdateFile: new UploadedFile(bytes) };
  const boundary = /^multipart\/form-data;.*\bboundary="?([^";]+)/i.exec(type)?.[1];
  return boundary === undefined ? parseBody(bytes.toString()) : parseForm(bytes, boundary);
}

function parseBody(text: string): Body | undefined | 'malformed' {
  if (text === '') return undefined;
  try {
    const body: unknown = JSON.parse(text);
    return isBody(body) ? body : 'malformed';
  } catch {
    return 'malformed';
  }
}

function isBody(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > bodyLimit) throw new Error('request body too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
