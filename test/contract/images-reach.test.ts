/** What the image listener proves of itself before any BMC is told its address. */
import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { proveOurs, proveRoutable } from '../../src/adapters/images/reach.ts';

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

describe('an advertised address', () => {
  it.each([
    ['http://127.0.0.1:8080', '10.0.0.7', /no address that the BMC/],
    ['http://[::1]:8080', 'fd00::7', /no address that the BMC/],
    ['http://0.0.0.0:8080', '10.0.0.7', /no address that the BMC/],
    ['http://10.0.0.1:8080', 'fd00::7', /is IPv4, and the BMC/],
  ])('%s is refused for a BMC at %s', (advertise, remote, why) => {
    expect(() => proveRoutable(advertise, remote)).toThrow(why);
  });

  it.each([
    ['http://10.0.0.1:8080', '10.0.0.7'],
    ['http://127.20.1.1:8080', '127.20.1.11'],
    ['http://images.example:8080', '10.0.0.7'],
    ['http://10.0.0.1:8080', 'bmc.example'],
  ])('%s may be right for a BMC at %s', (advertise, remote) => {
    expect(() => proveRoutable(advertise, remote)).not.toThrow();
  });

  it('has to lead to the listener itself', async () => {
    const server = createServer((_request, response) => response.writeHead(204, { 'x-listener': 'ours' }).end());
    await new Promise<void>(resolve => server.listen(8080, '127.136.0.1', resolve));
    stops.push(() => new Promise(resolve => server.close(resolve)));
    await proveOurs('http://127.136.0.1:8080', '/listener', 'ours');
    const other = proveOurs('http://127.136.0.1:8080', '/listener', 'another');
    await expect(other).rejects.toMatchObject({ message: expect.stringContaining('answered by something else') });
    const nobody = proveOurs('http://127.136.0.2:8080', '/listener', 'ours');
    await expect(nobody).rejects.toMatchObject({ message: expect.stringContaining('does not answer') });
  });
});
