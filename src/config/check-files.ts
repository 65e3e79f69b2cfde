/** Everything the configuration points at outside itself: files, checksums, secrets. Read once, here. */
import { createHash, X509Certificate } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { FleetError } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import { DirectoryGroups } from '../guard/directory-groups.ts';
import { type LooseDocument, looseNodes } from './loose-document.ts';
import type { ConfigPath, Problems } from './problems.ts';
import { resolveSecret, type SecretPlace } from './secret-source.ts';

export type Outside = {
  databaseUrl: 'embedded' | Secret;
  /** Password by credential name. */
  passwords: Map<string, Secret>;
  /** PEM by node name. */
  bmcCas: Map<string, string>;
  /** By name of a gate. */
  gates: Map<string, { ca?: string; bearer?: Secret }>;
  oidcClientSecret?: Secret;
  modelKey?: Secret;
  slack: { bot?: Secret; app?: Secret; signing?: Secret };
};

export function checkFiles(document: LooseDocument, place: SecretPlace, problems: Problems): Outside {
  checkPolicies(document.policies, place.baseDir, problems);
  checkDirectory(document, place.baseDir, problems);
  for (const [index, image] of document.firmware.entries()) checkImage(image, index, place.baseDir, problems);
  for (const [s, site] of document.sites.entries()) {
    for (const [c, { kubeconfig }] of site.clusters.entries()) {
      checkKubeconfig(kubeconfig, { place, path: ['sites', s, 'clusters', c, 'kubeconfig'] }, problems);
    }
  }
  return {
    databaseUrl: databaseUrl(document.database, place, problems),
    passwords: passwords(document, place, problems),
    bmcCas: bmcCas(document, place.baseDir, problems),
    gates: gateSecrets(document, place, problems),
    oidcClientSecret: secretAt(document.oidc.clientSecret, { place, path: ['oidc', 'clientSecret'] }, problems),
    modelKey: secretAt(document.assistant.apiKey, { place, path: ['assistant', 'apiKey'] }, problems),
    slack: slackSecrets(document.slack, place, problems),
  };
}

type LooseKubeconfig = LooseDocument['sites'][number]['clusters'][number]['kubeconfig'];

function checkKubeconfig(
  { file, inCluster }: LooseKubeconfig,
  { place, path }: { place: SecretPlace; path: ConfigPath },
  problems: Problems,
): void {
  if (file !== undefined) readable(resolve(place.baseDir, file), [...path, 'file'], problems);
  if (inCluster !== true || (place.env.KUBERNETES_SERVICE_HOST && place.env.KUBERNETES_SERVICE_PORT)) return;
  problems.add([...path, 'inCluster'], {
    expected: 'to run in a Pod of this cluster',
    found: 'no KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT in the environment',
    hint: 'Outside of the cluster, name a kubeconfig file.',
  });
}

function checkPolicies(policies: string | undefined, baseDir: string, problems: Problems): void {
  if (policies === undefined) return;
  const dir = resolve(baseDir, policies);
  const expected = 'a folder with schema.cedarschema and .cedar files';
  try {
    const names = readdirSync(dir);
    if (names.includes('schema.cedarschema') && names.some(name => name.endsWith('.cedar'))) return;
    problems.add(['policies'], { expected, found: `other contents in ${dir}` });
  } catch {
    problems.add(['policies'], { expected, found: `no readable folder at ${dir}` });
  }
}

function checkDirectory({ directory, people }: LooseDocument, baseDir: string, problems: Problems): void {
  const { file, accept } = directory;
  if (file === undefined) return;
  try {
    new DirectoryGroups({
      file: resolve(baseDir, file),
      accept: accept.filter(group => group !== undefined),
      people: people.flatMap(({ name }) => (name === undefined ? [] : [name])),
    });
  } catch (thrown) {
    const expected = 'a file with people and the groups of each';
    problems.add(['directory', 'file'], { expected, found: FleetError.from(thrown).message });
  }
}

type LooseImage = LooseDocument['firmware'][number];

function checkImage(image: LooseImage, index: number, baseDir: string, problems: Problems): void {
  const path = ['firmware', index];
  if ((image.file === undefined) === (image.url === undefined)) {
    const found = image.file === undefined ? 'neither' : 'both';
    problems.add(path, { expected: 'either file or url', found });
  }
  if (image.file === undefined) return;
  const file = resolve(baseDir, image.file);
  if (!readable(file, [...path, 'file'], problems)) return;
  const actual = fileSha256(file);
  if (image.sha256 === undefined || !/^[0-9a-f]{64}$/i.test(image.sha256)) return;
  if (actual === image.sha256.toLowerCase()) return;
  const hint = 'The file is not the image that was meant, or was damaged on its way: fetch it again.';
  problems.add([...path, 'sha256'], {
    expected: `the SHA-256 of ${file}`,
    found: `${image.sha256}, not ${actual}`,
    hint,
  });
}

/** In pieces: an image may be larger than what should stand in memory. */
function fileSha256(file: string): string {
  const hash = createHash('sha256');
  const piece = Buffer.alloc(1024 * 1024);
  const descriptor = openSync(file, 'r');
  try {
    for (let size = readSync(descriptor, piece); size > 0; size = readSync(descriptor, piece)) {
      hash.update(piece.subarray(0, size));
    }
  } finally {
    closeSync(descriptor);
  }
  return hash.digest('hex');
}

function readable(file: string, path: ConfigPath, problems: Problems): boolean {
  try {
    if (statSync(file).isFile()) {
      closeSync(openSync(file, 'r'));
      return true;
    }
  } catch {
    // reported below, with the path that was tried
  }
  problems.add(path, { expected: 'a file that can be read', found: `no readable file at ${file}` });
  return false;
}

function databaseUrl(database: string | undefined, place: SecretPlace, problems: Problems): 'embedded' | Secret {
  if (database === undefined || database === 'embedded') return 'embedded';
  const resolved = resolveSecret(database, place);
  const expected = 'env:NAME or file:PATH that holds a postgres:// URL';
  if (resolved && !(resolved instanceof Secret)) problems.add(['database'], { expected, found: resolved.found });
  if (!(resolved instanceof Secret)) return 'embedded';
  if (/^postgres(ql)?:\/\//.test(resolved.reveal()) && URL.canParse(resolved.reveal())) return resolved;
  problems.add(['database'], { expected, found: 'something else there' });
  return 'embedded';
}

function passwords(document: LooseDocument, place: SecretPlace, problems: Problems): Map<string, Secret> {
  const found = new Map<string, Secret>();
  for (const [name, { password }] of Object.entries(document.credentials)) {
    const secret = secretAt(password, { place, path: ['credentials', name, 'password'] }, problems);
    if (secret) found.set(name, secret);
  }
  return found;
}

function secretAt(
  reference: string | undefined,
  { place, path }: { place: SecretPlace; path: ConfigPath },
  problems: Problems,
): Secret | undefined {
  const resolved = reference === undefined ? undefined : resolveSecret(reference, place);
  if (resolved instanceof Secret) return resolved;
  if (resolved) problems.add(path, { expected: 'a secret that can be read', found: resolved.found });
  return undefined;
}

/** They look alike, and each in the place of another would only fail at Slack. */
function slackSecrets(slack: LooseDocument['slack'], place: SecretPlace, problems: Problems): Outside['slack'] {
  const shaped = (key: 'botToken' | 'appToken' | 'signingSecret', shape: RegExp, expected: string) => {
    const path = ['slack', key];
    const secret = secretAt(slack[key], { place, path }, problems);
    if (secret === undefined || shape.test(secret.reveal())) return secret;
    problems.add(path, { expected, found: 'another secret there' });
    return undefined;
  };
  return {
    bot: shaped('botToken', /^xoxb-/, 'a token that begins with xoxb-'),
    app: shaped('appToken', /^xapp-/, 'a token that begins with xapp-'),
    signing: shaped('signingSecret', /^[0-9a-z]{32}$/, 'the 32 letters and digits of a signing secret'),
  };
}

function bmcCas(document: LooseDocument, baseDir: string, problems: Problems): Map<string, string> {
  const found = new Map<string, string>();
  for (const { node, path } of looseNodes(document)) {
    const { ca } = node.server.bmc;
    if (ca === undefined || node.name === undefined) continue;
    const pem = certificates(ca, { baseDir, path: [...path, 'server', 'bmc', 'ca'] }, problems);
    if (pem) found.set(node.name, pem);
  }
  return found;
}

function gateSecrets(document: LooseDocument, place: SecretPlace, problems: Problems): Outside['gates'] {
  const found: Outside['gates'] = new Map();
  for (const [index, { name, ca, bearer }] of document.rollout.gates.entries()) {
    const path = ['rollout', 'gates', index];
    const pem =
      ca === undefined ? undefined : certificates(ca, { baseDir: place.baseDir, path: [...path, 'ca'] }, problems);
    const token = bearer === undefined ? undefined : resolveSecret(bearer, place);
    if (token && !(token instanceof Secret))
      problems.add([...path, 'bearer'], { expected: 'a secret that can be read', found: token.found });
    if (name !== undefined)
      found.set(name, { ...(pem && { ca: pem }), ...(token instanceof Secret && { bearer: token }) });
  }
  return found;
}

/** PEM, where the file holds a certificate. */
function certificates(
  ca: string,
  { baseDir, path }: { baseDir: string; path: ConfigPath },
  problems: Problems,
): string | undefined {
  const file = resolve(baseDir, ca);
  if (!readable(file, path, problems)) return undefined;
  const pem = readFileSync(file, 'utf8');
  if (isCertificate(pem)) return pem;
  problems.add(path, { expected: 'a certificate in PEM form', found: `something else in ${file}` });
  return undefined;
}

function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}
