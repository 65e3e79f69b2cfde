/** Addresses: BMCs inside their site's network and each declared once, and the service on loopback unless told otherwise. */
import { isLoopback, parseBmcUrl, parseHostPort, parseNetwork } from './addresses.ts';
import { type LooseDocument, looseNodes } from './loose-document.ts';
import { type ConfigPath, type Problems, showFound, showPath } from './problems.ts';

export function checkAddresses(document: LooseDocument, problems: Problems): void {
  const { listen, allowRemote } = document.service;
  const listeners = [
    { path: ['service', 'listen'], written: listen },
    { path: ['metrics', 'listen'], written: document.metrics.listen },
    { path: ['slack', 'http', 'listen'], written: document.slack.http.listen },
  ];
  for (const { path, written } of listeners) {
    const host = written === undefined ? undefined : parseHostPort(written)?.host;
    if (host === undefined || isLoopback(host) || allowRemote === true) continue;
    const hint = 'Set service.allowRemote: true to serve other machines, behind TLS of your own.';
    problems.add(path, { expected: 'a loopback address', found: showFound(written, path), hint });
  }
  const seen = new Map<string, { path: ConfigPath; systems: (string | undefined)[]; door: string }>();
  for (const { site, node, path } of looseNodes(document)) {
    const { url, spki, ca, credential, systemUri } = node.server.bmc;
    const bmcPath = [...path, 'server', 'bmc'];
    const urlPath = [...bmcPath, 'url'];
    if (spki !== undefined && ca !== undefined) {
      problems.add(bmcPath, { expected: 'spki or ca', found: 'both', hint: 'Pin the key, or trust an authority.' });
    }
    const bmc = url === undefined ? undefined : parseBmcUrl(url);
    if (!bmc) continue;
    const network = site.bmcNetwork === undefined ? undefined : parseNetwork(site.bmcNetwork);
    if (network && !network.has(bmc.host)) {
      problems.add(urlPath, { expected: `an address in ${site.bmcNetwork}`, found: showFound(url, urlPath) });
    }
    const earlier = seen.get(bmc.origin);
    const system = systemUri?.toLowerCase();
    const door = JSON.stringify([credential, spki, ca]);
    if (!earlier) seen.set(bmc.origin, { path: urlPath, systems: [system], door });
    else {
      // One BMC may serve several servers, but each has to be named, and the BMC is entered in one way.
      const apart = system !== undefined && !earlier.systems.includes(undefined) && !earlier.systems.includes(system);
      earlier.systems.push(system);
      if (apart && door === earlier.door) continue;
      const expected = apart ? 'the same credential, spki and ca for one BMC' : 'a BMC, or a systemUri, of its own';
      const hint = `The same BMC stands at ${showPath(earlier.path)}.`;
      problems.add(urlPath, { expected, found: showFound(url, urlPath), hint });
    }
  }
}
