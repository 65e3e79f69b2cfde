/** Addresses as the configuration writes them. Each parser answers undefined for what it does not take as a whole. */
import { BlockList, isIP } from 'node:net';

export type HostPort = { host: string; port: number };

/** `127.0.0.1:7420`, `[::1]:7420`, `localhost:7420`; port 0 asks the system for a free one. */
export function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text);
  if (!match) return undefined;
  const [, v6, name, digits] = match;
  const port = Number(digits);
  if (port > 65_535 || (v6 !== undefined && isIP(v6) !== 6)) return undefined;
  return { host: v6 ?? name ?? '', port };
}

export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  const family = isIP(host);
  return family !== 0 && loopback.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

export type Network = { has(address: string): boolean };

/** `10.1.0.0/16` or `fd00:1::/64`. A prefix of 0 is refused: it would let every address in. */
export function parseNetwork(text: string): Network | undefined {
  const [address = '', prefix = '', ...more] = text.split('/');
  const family = isIP(address);
  const bits = Number(prefix);
  if (family === 0 || more.length > 0 || !/^\d{1,3}$/.test(prefix) || bits < 1) return undefined;
  if (bits > (family === 6 ? 128 : 32)) return undefined;
  const list = new BlockList();
  list.addSubnet(address, bits, family === 6 ? 'ipv6' : 'ipv4');
  return {
    has(candidate) {
      const kind = isIP(candidate);
      return kind === family && list.check(candidate, kind === 6 ? 'ipv6' : 'ipv4');
    },
  };
}

/** Scheme, host and port alone: no user, path, query or fragment. */
export function parseOrigin(text: string, schemes: string[]): { origin: string; host: string } | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !schemes.includes(url.protocol.slice(0, -1))) return undefined;
  const bare = url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (!bare || url.pathname !== '/' || url.hostname === '') return undefined;
  return { origin: url.origin, host: url.hostname.replace(/^\[(.*)\]$/, '$1') };
}

/** Where browsers reach the service. In the clear only to this machine: cookies and passphrases go there. */
export function parsePublicUrl(text: string): string | undefined {
  const parsed = parseOrigin(text, ['http', 'https']);
  return parsed && safeForSecrets(parsed.origin, parsed.host) ? parsed.origin : undefined;
}

/** An OpenID issuer, letter for letter, because it is compared so. */
export function parseIssuer(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || /[?#\s]/.test(text)) return undefined;
  return safeForSecrets(url.origin, url.hostname.replace(/^\[(.*)\]$/, '$1')) ? text : undefined;
}

function safeForSecrets(origin: string, host: string): boolean {
  return origin.startsWith('https:') || isLoopback(host);
}

/** A BMC by address, not by name: only so can it be held to its site's network before anything is sent. */
export function parseBmcUrl(text: string): { origin: string; host: string } | undefined {
  const parsed = parseOrigin(text, ['https']);
  return parsed && isIP(parsed.host) !== 0 ? parsed : undefined;
}
