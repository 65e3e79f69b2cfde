/**
 * Decides whom we speak to before a byte of a request is written. BMCs mostly
 * carry certificates they made themselves, so each one is known by its public
 * key. The check sits in the connector: undici writes nothing, and so no
 * credential, on a socket that the connector did not hand over.
 */
import { createHash, type X509Certificate } from 'node:crypto';
import { createSecureContext, TLSSocket } from 'node:tls';
import { buildConnector } from 'undici';

export type Trust = {
  /** Base64 SHA-256 of the public key's SubjectPublicKeyInfo. */
  spki?: string;
  /** PEM certificates that may vouch for the BMC. */
  ca?: string;
};

/** The socket never became usable, so nothing of the request was sent. */
export class ConnectFailure extends Error {
  readonly kind: 'refused' | 'timeout' | 'certificate';
  /** The key that was presented instead of the pinned one. */
  readonly presented?: string;

  constructor(kind: ConnectFailure['kind'], fields: { cause?: unknown; presented?: string } = {}) {
    super(`connection ${kind}`, { cause: fields.cause });
    this.kind = kind;
    this.presented = fields.presented;
  }
}

const certificateErrors = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/**
 * Connects within `connectMs`; every failure is a {@link ConnectFailure}. With a pin and no CA, the pin alone decides. `met` is
 * told the certificate of every socket that is handed over.
 */
export function pinnedConnector(
  trust: Trust,
  connectMs: number,
  met: (certificate: X509Certificate) => void,
): buildConnector.connector {
  const byPinAlone = trust.spki !== undefined && trust.ca === undefined;
  const dial = dialFor(trust.ca, byPinAlone, connectMs);
  return (options, callback) => {
    dial(options, (error, socket) => {
      if (error !== null) return callback(failureOf(error), null);
      const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
      const presented = trust.spki === undefined ? undefined : spkiOf(certificate);
      if (presented === trust.spki) {
        if (certificate !== undefined) met(certificate);
        return callback(null, socket);
      }
      socket.destroy();
      callback(new ConnectFailure('certificate', { presented }), null);
    });
  };
}

const dials = new Map<string, buildConnector.connector>();

/** Made once for all BMCs that are trusted alike: with its context it is the larger part of what a connection takes. */
function dialFor(ca: string | undefined, byPinAlone: boolean, timeout: number): buildConnector.connector {
  const key = JSON.stringify([ca, byPinAlone, timeout]);
  const known = dials.get(key);
  if (known !== undefined) return known;
  const dial = buildConnector({
    timeout,
    rejectUnauthorized: !byPinAlone,
    secureContext: createSecureContext({ ca }),
    // No session cache: a resumed session would skip the certificate that the pin is about.
    maxCachedSessions: 0,
    allowH2: false,
  });
  dials.set(key, dial);
  return dial;
}

function spkiOf(certificate: X509Certificate | undefined): string | undefined {
  if (certificate === undefined) return undefined;
  return createHash('sha256')
    .update(certificate.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');
}

function failureOf(error: Error): ConnectFailure {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (certificateErrors.has(code)) return new ConnectFailure('certificate', { cause: error });
  return new ConnectFailure(code === 'UND_ERR_CONNECT_TIMEOUT' ? 'timeout' : 'refused', { cause: error });
}
