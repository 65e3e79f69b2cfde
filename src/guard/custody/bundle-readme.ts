/** The text that travels with an export: enough to check it without this program. */

/** README of a bundle, ending in a script for Python's standard library and OpenSSL. */
export function bundleReadme(verifierKey: string): string {
  return `Custody log of ${verifierKey.split('+')[0]}
${'='.repeat(15 + (verifierKey.split('+')[0]?.length ?? 0))}

entries.ndjson  one entry a line: canonical JSON (RFC 8785), in the order it was written
leaves          one line per entry: hex SHA-256 of a zero byte followed by the entry's bytes
checkpoint      signed note (C2SP signed-note, tlog-checkpoint): origin, number of entries, base64 root
verifier-key    the public key in force, as name+id+base64
rotation-N      where the key was replaced: a checkpoint that the key before and the next one signed
tile/           where it was asked for: the same log as C2SP tlog-tiles

A key that came with the entries proves little: compare verifier-key with the one that you
were given on another way, and the checkpoint with one that was kept elsewhere. Nobody signs this
file: take its script from an export that you trust, or write your own. Then check:

1. Every line of entries.ndjson, without its line feed, hashes to the same line of leaves;
   there are as many of one as of the other, and each file ends with a line feed.
2. There are as many lines as the checkpoint says, and the Merkle tree hash over the leaves
   (RFC 6962, section 2.1; inner nodes are SHA-256 of a one byte, left hash, right hash) is
   the checkpoint's root.
3. The last line of the checkpoint is an Ed25519 signature: base64 of 4 bytes of key ID and
   64 bytes over the text before the blank line, its line feed included. The key is the last
   32 bytes of verifier-key's base64 part, the ID the first 4 of
   SHA-256(name, line feed, one byte, key).

What follows does that; it needs the openssl command, version 3. Save it, then run it in
this folder: python3 verify.py

---- verify.py
import base64, hashlib, os, subprocess, sys, tempfile

def sha(data): return hashlib.sha256(data).digest()

def root(leaves):
    if not leaves: return sha(b'')
    if len(leaves) == 1: return leaves[0]
    split = 1
    while split * 2 < len(leaves): split *= 2
    return sha(b'\\x01' + root(leaves[:split]) + root(leaves[split:]))

def openssl_accepts(key, signature, text):
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ('key', 'signature', 'text')]
        for path, data in zip(paths, (bytes.fromhex('302a300506032b6570032100') + key, signature, text)):
            open(path, 'wb').write(data)
        return subprocess.run(['openssl', 'pkeyutl', '-verify', '-pubin', '-keyform', 'DER', '-inkey', paths[0],
            '-rawin', '-sigfile', paths[1], '-in', paths[2]], stdout=subprocess.DEVNULL).returncode == 0

def fail(why): sys.exit('NOT VERIFIED: ' + why)

name, key_id, encoded = open('verifier-key').read().strip().split('+', 2)
key = base64.b64decode(encoded)
if key[0] != 1 or len(key) != 33 or sha(name.encode() + b'\\n' + key)[:4].hex() != key_id: fail('the key is malformed')
text, signatures = open('checkpoint', 'rb').read().rsplit(b'\\n\\n', 1)
text += b'\\n'
blobs = [base64.b64decode(line.split(b' ')[2]) for line in signatures.strip().split(b'\\n')]
ours = [blob[4:] for blob in blobs if blob[:4].hex() == key_id]
if not ours or not all(openssl_accepts(key[1:], signature, text) for signature in ours): fail('the signature is wrong')
origin, size, signed_root = text.decode().splitlines()
if origin != name: fail('the checkpoint is of another log')
*entries, rest = open('entries.ndjson', 'rb').read().split(b'\\n')
if rest: fail('the last entry does not end with a line feed')
leaves = [sha(b'\\x00' + entry) for entry in entries]
*listed, rest = open('leaves').read().split('\\n')
if rest or len(listed) != len(leaves): fail('not every entry has its leaf')
for number, (leaf, line) in enumerate(zip(leaves, listed)):
    if leaf.hex() != line: fail('entry %d was changed' % number)
if len(entries) != int(size): fail('%d entries, signed are %s' % (len(entries), size))
if root(leaves) != base64.b64decode(signed_root): fail('the root is not the signed one')
print('verified: %s entries' % size)
`;
}
