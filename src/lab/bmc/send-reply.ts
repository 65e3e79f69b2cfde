/** Writes an answer to the wire, as JSON, as a stream of events, or as what faulty firmware takes for JSON. */
import type { ServerResponse } from 'node:http';
import type { FaultSet } from '../faults.ts';
import type { Reply } from './reply.ts';

const htmlPage = '<!DOCTYPE html><html><head><title>Login</title></head><body>Please enable JavaScript.</body></html>';

const errorDocument = JSON.stringify({
  error: { code: 'Base.1.8.InternalError', message: 'The request failed due to an internal service error.' },
});

export function sendHtml(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'Content-Type': 'text/html' }).end(htmlPage);
}

export function sendReply(response: ServerResponse, reply: Reply, faults: FaultSet): void {
  const headers = { 'OData-Version': '4.0', 'Cache-Control': 'no-store', ...reply.headers };
  if (reply.after !== undefined) response.once('close', reply.after);
  if (reply.stream !== undefined) {
    response.writeHead(reply.status, headers);
    response.once(
      'close',
      // Over a line that is cut nothing arrives.
      reply.stream(text => {
        if (faults.get('bmc-down') === undefined) response.write(text);
      }),
    );
    return;
  }
  if (reply.body === undefined) {
    response.writeHead(reply.status, headers).end();
    return;
  }
  const text = JSON.stringify(reply.body, faults.get('sensor-nan') === undefined ? undefined : nanAsText);
  const bytes = Buffer.from(reply.status === 200 ? spoilt(text, faults) : text);
  const type = { 'Content-Type': 'application/json;charset=utf-8', 'Content-Length': bytes.length };
  response.writeHead(reply.status, { ...headers, ...type }).end(bytes);
}

function nanAsText(_key: string, value: unknown): unknown {
  return Number.isNaN(value) ? 'NaN' : value;
}

function spoilt(text: string, faults: FaultSet): string {
  if (faults.get('error-before-body') !== undefined) return `${errorDocument}${text}`;
  if (faults.get('truncated-json') !== undefined) return text.slice(0, Math.ceil(text.length / 2));
  return faults.get('trailing-comma') === undefined ? text : text.replace(/}$/, ',}');
}
