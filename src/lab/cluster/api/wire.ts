/** Bodies as they come over the wire and go back: JSON both ways, and protobuf in for the few kinds that are known so. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { parse } from 'yaml';
import { ApiFailure, badRequest } from '../model/failure.ts';
import { fromProtobuf } from './protobuf.ts';
import type { Answer } from './request.ts';
import type { WatchStream } from './watch.ts';

const largestBody = 3 * 1024 * 1024;

/** The parsed body, undefined when there is none. Throws 400, 413 or 415. */
export async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestBody) throw new ApiFailure(413, 'RequestEntityTooLarge', 'limit is 3145728');
    chunks.push(chunk);
  }
  if (size === 0) return undefined;
  const type = (request.headers['content-type'] ?? 'application/json').split(';')[0]?.trim() ?? '';
  if (type === 'application/vnd.kubernetes.protobuf') return fromProtobuf(Buffer.concat(chunks));
  const text = () => Buffer.concat(chunks).toString('utf8');
  try {
    if (/^application\/(apply-patch\+)?yaml$/.test(type)) return parse(text());
    if (/^application\/([a-z-]+\+)?json$/.test(type)) return JSON.parse(text());
  } catch {
    throw badRequest('the body of the request is not valid');
  }
  throw new ApiFailure(
    415,
    'UnsupportedMediaType',
    'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml',
  );
}

/** Whether the client can read JSON at all: one that asks for protobuf alone gets 406. */
export function requireJsonAccepted(accept: string | undefined): void {
  if (accept === undefined || accept.trim() === '') return;
  const readable = accept.split(',').some(part => /^\s*(\*\/\*|application\/(\*|json|yaml)|text\/)/.test(part));
  if (readable) return;
  const why = 'only the following media types are accepted: application/json';
  throw new ApiFailure(406, 'NotAcceptable', why);
}

export function failureAnswer(error: unknown): Answer {
  if (error instanceof ApiFailure) return { status: error.body.code, body: error.body };
  const message = error instanceof Error ? error.message : String(error);
  return { status: 500, body: new ApiFailure(500, 'InternalError', message).body };
}

export function send(response: ServerResponse, { status, body, headers = {} }: Answer): void {
  const text = typeof body === 'string' ? body : `${JSON.stringify(body)}\n`;
  const type = typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json';
  const details = typeof body === 'object' && 'details' in body ? body.details : undefined;
  const retry = (details as { retryAfterSeconds?: number } | undefined)?.retryAfterSeconds;
  response.writeHead(status, {
    'content-type': type,
    ...(retry === undefined ? {} : { 'retry-after': String(retry) }),
    ...headers,
  });
  response.end(text);
}

export function streamOf(response: ServerResponse): WatchStream {
  return {
    write: line => void response.write(line),
    end: () => void response.end(),
    onClose: closed => void response.on('close', closed),
  };
}
