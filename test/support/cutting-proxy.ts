/** A way to an image listener on which images are lost halfway, as when the process that serves one is killed. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';

/** `once`: the first image ends in the middle; `unnoticed`: every one does, and its length says that this was all. */
export type Cut = 'once' | 'unnoticed';

export async function cuttingProxy(
  listener: string,
  cut: Cut,
): Promise<{ url: string; cuts(): number; close(): void }> {
  const { hostname, port } = new URL(listener);
  let cuts = 0;
  const server = createServer(near => {
    // The listener knows a BMC by the address that it comes from.
    const far = connect({ host: hostname, port: Number(port), localAddress: near.remoteAddress ?? '' });
    for (const socket of [near, far]) socket.on('error', () => {});
    // Its end is the answer's end.
    near.on('data', bytes => far.write(bytes.toString('latin1').replace(/^connection: .*$/im, 'connection: close')));
    near.on('end', () => far.end());
    const answer: Buffer[] = [];
    far.on('data', bytes => answer.push(bytes));
    far.on('end', () => {
      const whole = Buffer.concat(answer);
      const start = whole.indexOf('\r\n\r\n') + 4;
      const isImage = whole.length > start && whole.includes('application/octet-stream');
      if (!isImage || (cut === 'once' && cuts > 0)) return near.end(whole);
      cuts += 1;
      const half = Math.floor((whole.length - start) / 2);
      const head = whole.toString('latin1', 0, start);
      const told = cut === 'once' ? head : head.replace(/(content-length: )\d+/i, `$1${half}`);
      near.end(Buffer.concat([Buffer.from(told, 'latin1'), whole.subarray(start, start + half)]));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cuts: () => cuts,
    close: () => server.close(),
  };
}
