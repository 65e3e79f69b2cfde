/**
 * Each API server's own check of its etcd, asked of every one of them past the
 * load balancer. Our credentials go only to who proves, with a certificate of
 * the cluster's authority, to be the kubeconfig's host: nodes report their
 * addresses themselves.
 */
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { V1Pod } from '@kubernetes/client-node';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import { type Fact, known, unknown } from '../../core/bmc.ts';
import type { NodeFacts } from '../../core/cluster-facts.ts';
import { FleetError } from '../../core/errors.ts';
import type { Connection } from './connection.ts';
import type { Tls } from './pools.ts';
import { shortGet, whyNoAnswer } from './short-get.ts';

const advertised = 'kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint';
const usualPort = 6443;

/** Per node that runs an API server: whether its etcd check passes. */
export async function readEtcdChecks(
  connection: Connection,
  servers: V1Pod[],
  nodes: NodeFacts[],
): Promise<Map<string, Fact<boolean>>> {
  const asked = servers.map(async (pod): Promise<[string, Fact<boolean>]> => {
    const node = pod.spec?.nodeName ?? '';
    const address = addressOf(pod, nodes);
    if (address === undefined) return [node, unknown(`the API server on ${node} has no known address`)];
    return [node, await etcdCheck(connection, address)];
  });
  return new Map(await Promise.all(asked));
}

/** `host:port`: what kubeadm wrote down, else the node's address with the port of the server's container. */
function addressOf({ metadata, spec }: V1Pod, nodes: NodeFacts[]): string | undefined {
  const endpoint = metadata?.annotations?.[advertised];
  if (endpoint !== undefined) return isEndpoint(endpoint) ? endpoint : undefined;
  const ip = nodes.find(({ name }) => name === spec?.nodeName)?.internalIp;
  if (ip === undefined || isIP(ip) === 0) return undefined;
  const [container] = spec?.containers ?? [];
  const words = [...(container?.command ?? []), ...(container?.args ?? [])];
  const flag = words.map(word => /^--secure-port=(\d{1,5})$/.exec(word)?.[1]).find(port => port !== undefined);
  const port = flag ?? container?.ports?.[0]?.containerPort ?? usualPort;
  return `${isIP(ip) === 6 ? `[${ip}]` : ip}:${port}`;
}

/** An IP address with a port, and nothing that would make another URL of it. */
function isEndpoint(text: string): boolean {
  const [, v6, v4] = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):\d{1,5}$/.exec(text) ?? [];
  return isIP(v6 ?? v4 ?? '') !== 0;
}

async function etcdCheck(connection: Connection, address: string): Promise<Fact<boolean>> {
  const url = `https://${address}/readyz/etcd`;
  let dispatcher: Dispatcher | undefined;
  try {
    const { headers, tls } = await connection.authentication();
    if (tls.rejectUnauthorized === false) {
      return unknown('the kubeconfig trusts any certificate, so no API server is asked at an address of its own');
    }
    dispatcher = dispatcherFor(connection, tls);
    const { status, text } = await shortGet(url, { headers, dispatcher });
    if (status === 200 && text.trim() === 'ok') return known(true);
    if (status === 500 && text.startsWith('internal server error')) return known(false);
    return unknown(`the API server at ${address} answers ${status} to /readyz/etcd`);
  } catch (thrown) {
    if (thrown instanceof FleetError) return unknown(thrown.message);
    return unknown(`the API server at ${address} ${whyNoAnswer(thrown)}`);
  } finally {
    void dispatcher?.destroy();
  }
}

/** One connection that holds the server to the name in the kubeconfig, whatever address it is asked at. */
function dispatcherFor(connection: Connection, tls: Tls): Dispatcher {
  const { ca, cert, key, passphrase, servername } = tls;
  const expected = servername ?? hostOf(connection.server);
  const given = Object.entries({ ca, cert, key, passphrase }).filter(([, value]) => value !== undefined);
  const connect = {
    ...Object.fromEntries(given),
    ...(isIP(expected) === 0 ? { servername: expected } : {}),
    checkServerIdentity: (_: string, certificate: PeerCertificate) => checkServerIdentity(expected, certificate),
  };
  const { proxy } = connection;
  return proxy ? new ProxyAgent({ uri: proxy, requestTls: connect }) : new Agent({ connect });
}

function hostOf(server: string): string {
  return URL.canParse(server) ? new URL(server).hostname.replace(/^\[(.*)\]$/, '$1') : '';
}
