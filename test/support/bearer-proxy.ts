/** For programs that know of no access tokens: adds one to each request, and passes on all else as it came, names included. */
import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';

export type BearerProxy = { origin: string; close(): Promise<void> };

export async function openBearerProxy(target: string, token: string): Promise<BearerProxy> {
  const server = createServer((request, response) => {
    const { method, url: path, headers } = request;
    const onward = send(target, { method, path, headers: { ...headers, authorization: `Bearer ${token}` } }, answer => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
