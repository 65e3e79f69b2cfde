/**
 * Every simulated BMC and API server has a certificate of its own, as real
 * ones do, so that pinning and trust are exercised for real. Written in DER
 * directly: no certificate library is fast enough for thousands at start.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { bitString, der, oid, pem, sequence, utcTime } from './der.ts';

export type Certificate = {
  /** PEM, PKCS #8. */
  key: string;
  /** PEM, self-signed; may serve as its own certificate authority. */
  cert: string;
  /** Base64 SHA-256 of the public key's SubjectPublicKeyInfo. */
  spki: string;
};

const day = 86_400_000;
const oids = {
  commonName: [0x55, 0x04, 0x03],
  ecdsaWithSha256: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
  subjectAltName: [0x55, 0x1d, 0x11],
  basicConstraints: [0x55, 0x1d, 0x13],
  keyUsage: [0x55, 0x1d, 0x0f],
  extKeyUsage: [0x55, 0x1d, 0x25],
  serverAuth: [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01],
};

export type CertificateSubject = {
  commonName: string;
  altNames: string[];
  /** From now; ten years unless said. */
  days?: number;
  /** PEM of the key to use; a new one unless given. */
  key?: string;
};

/** Makes a self-signed server certificate of an EC P-256 key, valid from yesterday on. */
export function makeCertificate(subject: CertificateSubject): Certificate {
  const { privateKey, publicKey } = keysOf(subject.key);
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const algorithm = sequence(oid(oids.ecdsaWithSha256));
  const name = sequence(der(0x31, sequence(oid(oids.commonName), der(0x0c, Buffer.from(subject.commonName)))));
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  const tbs = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    algorithm,
    name,
    sequence(utcTime(Date.now() - day), utcTime(Date.now() + (subject.days ?? 3650) * day)),
    name,
    spki,
    der(0xa3, extensions(subject.altNames)),
  );
  const certificate = sequence(tbs, algorithm, bitString(sign('sha256', tbs, privateKey)));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: pem('CERTIFICATE', certificate),
    spki: createHash('sha256').update(spki).digest('base64'),
  };
}

function keysOf(pem: string | undefined) {
  if (pem === undefined) return generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const privateKey = createPrivateKey(pem);
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

function extensions(altNames: string[]): Buffer {
  const names = altNames.map(name => (isIP(name) ? der(0x87, address(name)) : der(0x82, Buffer.from(name))));
  const yes = der(0x01, Buffer.from([0xff]));
  // digitalSignature, keyAgreement and keyCertSign: a server certificate that is also its own root.
  const usage = der(0x03, Buffer.from([2, 0b10001100]));
  return sequence(
    sequence(oid(oids.basicConstraints), yes, der(0x04, sequence(yes))),
    sequence(oid(oids.keyUsage), yes, der(0x04, usage)),
    sequence(oid(oids.extKeyUsage), der(0x04, sequence(oid(oids.serverAuth)))),
    ...(names.length > 0 ? [sequence(oid(oids.subjectAltName), der(0x04, sequence(...names)))] : []),
  );
}

/** Loopback addresses of the lab are IPv4; `::1` is the one IPv6 address it may be asked for. */
function address(text: string): Buffer {
  if (text === '::1') return Buffer.from([...new Array<number>(15).fill(0), 1]);
  return Buffer.from(text.split('.').map(Number));
}
