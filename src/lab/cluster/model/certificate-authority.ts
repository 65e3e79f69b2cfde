/** The cluster's own certificate authority, and what it reads in a certificate request (PKCS #10). */
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import { bitString, type DerValue, der, derValues, oid, pem, sequence, unpem, utcTime } from '../../der.ts';

/** What a request asks for; `names` is whether it asks for DNS names, addresses or the like. */
export type CertificateRequest = {
  commonName: string;
  organizations: string[];
  names: boolean;
  subject: Buffer;
  publicKey: Buffer;
};

const ids = {
  commonName: '550403',
  organization: '55040a',
  subjectAltName: '551d11',
};
const ecdsaWithSha256 = sequence(oid([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]));
const yes = der(0x01, Buffer.from([0xff]));
const day = 86_400_000;

/** Reads a PEM request. Throws an Error that says what is wrong with it, its own signature included. */
export function readRequest(text: string): CertificateRequest {
  const bytes = unpem('CERTIFICATE REQUEST', text);
  if (bytes === undefined) throw new Error('PEM block type must be CERTIFICATE REQUEST');
  const [info, , signature] = derValues(one(derValues(bytes)).content);
  if (info === undefined || signature === undefined) throw new Error('asn1: structure error');
  const [, subject, key, attributes] = derValues(info.content);
  if (subject === undefined || key === undefined) throw new Error('asn1: structure error');
  const publicKey = createPublicKey({ key: key.whole, format: 'der', type: 'spki' });
  if (!verify(digestFor(publicKey), info.whole, publicKey, signature.content.subarray(1))) {
    throw new Error('the signature of the request is not its key’s');
  }
  const parts = derValues(subject.content).flatMap(set => derValues(set.content).map(part => derValues(part.content)));
  const valuesOf = (id: string) =>
    parts.filter(([type]) => type?.content.toString('hex') === id).map(([, value]) => String(value?.content ?? ''));
  return {
    commonName: valuesOf(ids.commonName)[0] ?? '',
    organizations: valuesOf(ids.organization),
    names: attributes !== undefined && mentions(attributes, ids.subjectAltName),
    subject: Buffer.from(subject.whole),
    publicKey: Buffer.from(key.whole),
  };
}

function one(values: DerValue[]): DerValue {
  const [value, ...more] = values;
  if (value === undefined || more.length > 0) throw new Error('asn1: structure error');
  return value;
}

function digestFor(key: KeyObject): string | null {
  return key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
}

/** Whether an object identifier occurs anywhere inside a constructed value. */
function mentions({ tag, content }: DerValue, id: string): boolean {
  if (tag === 0x06) return content.toString('hex') === id;
  return (tag & 0x20) !== 0 && derValues(content).some(value => mentions(value, id));
}

export class CertificateAuthority {
  readonly #key: KeyObject;
  readonly #name = nameOf('kubernetes');
  /** PEM. */
  readonly certificate: string;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    this.#key = privateKey;
    const authority = sequence(oid([0x55, 0x1d, 0x13]), yes, der(0x04, sequence(yes)));
    const usage = sequence(oid([0x55, 0x1d, 0x0f]), yes, der(0x04, der(0x03, Buffer.from([2, 0b10100100]))));
    this.certificate = this.#issue({
      subject: this.#name,
      publicKey: publicKey.export({ type: 'spki', format: 'der' }),
      until: Date.now() + 3650 * day,
      extensions: sequence(authority, usage),
    });
  }

  /** A client certificate in PEM for what was asked for, valid until the given time in milliseconds. */
  signClient(request: CertificateRequest, until: number): string {
    const usage = sequence(oid([0x55, 0x1d, 0x0f]), yes, der(0x04, der(0x03, Buffer.from([7, 0b10000000]))));
    const clientAuth = oid([0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02]);
    const extended = sequence(oid([0x55, 0x1d, 0x25]), der(0x04, sequence(clientAuth)));
    const basic = sequence(oid([0x55, 0x1d, 0x13]), yes, der(0x04, sequence()));
    return this.#issue({ ...request, until, extensions: sequence(usage, extended, basic) });
  }

  #issue(of: { subject: Buffer; publicKey: Buffer; until: number; extensions: Buffer }): string {
    const serial = randomBytes(16);
    serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
    const content = sequence(
      der(0xa0, der(0x02, Buffer.from([2]))),
      der(0x02, serial),
      ecdsaWithSha256,
      this.#name,
      sequence(utcTime(Date.now() - 300_000), utcTime(of.until)),
      of.subject,
      of.publicKey,
      der(0xa3, of.extensions),
    );
    return pem('CERTIFICATE', sequence(content, ecdsaWithSha256, bitString(sign('sha256', content, this.#key))));
  }
}

function nameOf(commonName: string): Buffer {
  return sequence(der(0x31, sequence(oid([0x55, 0x04, 0x03]), der(0x0c, Buffer.from(commonName)))));
}
