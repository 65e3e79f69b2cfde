/** A Prometheus as far as its HTTP API for instant queries goes: real shapes, answers that a test sets, and what it was asked. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export type PrometheusAnswer = { status?: number; headers?: Record<string, string>; body: unknown };

export type Prometheus = {
  url: string;
  port: number;
  /** What it was asked, oldest first. */
  asked: { path: string; query: string | null; authorization: string | undefined }[];
  /** What it says from now on; a text is sent as it is. */
  says(answer: PrometheusAnswer): void;
  close(): Promise<void>;
};

/** An instant vector of these values, as Prometheus 3 answers it. */
export function vector(...values: string[]): PrometheusAnswer {
  const result = values.map((value, index) => ({
    metric: { __name__: 'ceph_health_status', instance: `10.1.0.${index}:9283` },
    value: [1764158400.123, value],
  }));
  return { body: { status: 'success', data: { resultType: 'vector', result } } };
}

export async function startPrometheus(host: string, tls?: { key: string; cert: string }): Promise<Prometheus> {
  const asked: Prometheus['asked'] = [];
  let answer = vector('0');
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://prometheus');
    const { authorization } = request.headers;
    asked.push({ path: url.pathname, query: url.searchParams.get('query'), authorization });
    const { status = 200, headers = {}, body } = answer;
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
  const server = tls ? createTlsServer(tls, handle) : createServer(handle);
  await new Promise<void>(resolve => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls ? 'https' : 'http'}://${host}:${port}`,
    port,
    asked,
    says(next) {
      answer = next;
    },
    close: () =>
      new Promise(resolve => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
