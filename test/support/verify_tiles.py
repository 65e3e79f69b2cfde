"""A verifier of docs/custody-format.md that shares no code with the program:
verify_tiles.py FOLDER|PROOF VERIFIER_KEY [OLDER_CHECKPOINT].

Reads checkpoint, rotation-N and tile/ alone, checks every hash and signature, follows the key from the one given,
and proves each entry's inclusion and each earlier checkpoint's consistency from the tiles. Of a proof, checks what it says.
"""
import base64, hashlib, json, os, subprocess, sys, tempfile

folder, trusted, *older = sys.argv[1:]


def fail(why):
    sys.exit('NOT VERIFIED: ' + why)


def sha(data):
    return hashlib.sha256(data).digest()


def read(*path):
    try:
        return open(os.path.join(folder, *path), 'rb').read()
    except OSError:
        fail('there is no file ' + '/'.join(path))


def tile_path(kind, number, filled):
    groups = []
    while True:
        groups.insert(0, '%03d' % (number % 1000))
        number //= 1000
        if not number:
            break
    path = '/'.join(['x' + group for group in groups[:-1]] + groups[-1:])
    return 'tile/%s/%s%s' % (kind, path, '' if filled == 256 else '.p/%d' % filled)


def opened_key(text):
    name, key_id, encoded = text.split('+', 2)
    key = base64.b64decode(encoded, validate=True)
    if len(key) != 33 or key[0] != 1 or sha(name.encode() + b'\n' + key)[:4].hex() != key_id:
        fail('the key is malformed')
    return name, bytes.fromhex(key_id), key[1:]


def accepted(key, signature, text):
    with tempfile.TemporaryDirectory() as scratch:
        parts = {'key': bytes.fromhex('302a300506032b6570032100') + key, 'sig': signature, 'text': text}
        paths = {}
        for name, data in parts.items():
            paths[name] = os.path.join(scratch, name)
            with open(paths[name], 'wb') as out:
                out.write(data)
        return subprocess.run(
            ['openssl', 'pkeyutl', '-verify', '-pubin', '-keyform', 'DER', '-inkey', paths['key'], '-rawin',
             '-sigfile', paths['sig'], '-in', paths['text']],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


class Checkpoint:
    def __init__(self, note):
        text, _, signatures = note.rpartition(b'\n\n')
        self.text = text + b'\n'
        self.blobs = [base64.b64decode(line.split(b' ')[2]) for line in signatures.strip().split(b'\n')]
        self.origin, size, root = self.text.decode().splitlines()
        self.size, self.root = int(size), base64.b64decode(root)

    def signed_by(self, key):
        name, key_id, raw = opened_key(key)
        ours = [blob[4:] for blob in self.blobs if blob[:4] == key_id]
        return bool(ours) and name == self.origin and all(accepted(raw, blob, self.text) for blob in ours)


def with_path(index, last, siblings):
    """RFC 9162, 2.1.3.2 and 2.1.4.2: for each sibling, whether it stands to the left, and whether the older tree has it."""
    for sibling in siblings:
        if not last:
            fail('the proof is too long')
        left = bool(index & 1) or index == last
        yield sibling, left
        if left:
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        index, last = index >> 1, last >> 1
    if last:
        fail('the proof is too short')


def proof_of_entry(head, signed):
    entry = base64.b64decode(head[1].removeprefix('extra '), validate=True)
    index = int(head[2].removeprefix('index '))
    value = sha(b'\0' + entry)
    for other, left in with_path(index, signed.size - 1, [base64.b64decode(line) for line in head[3:]]):
        value = sha(b'\1' + (other + value if left else value + other))
    if index >= signed.size or value != signed.root:
        fail('the entry is not in the tree')
    return 'entry %d: %s' % (index, json.loads(entry)['type'])


def proof_of_continuation(head, signed):
    begin = Checkpoint(open(older[0], 'rb').read())
    if not begin.signed_by(trusted) or head[0] != 'old %d' % begin.size:
        fail('the older checkpoint is another one')
    siblings = [base64.b64decode(line) for line in head[1:]]
    if begin.size == signed.size and not siblings and begin.root == signed.root:
        return 'is of the same %d entries' % begin.size
    index, last = begin.size - 1, signed.size - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    if not index:
        siblings.insert(0, begin.root)
    old = new = siblings.pop(0)
    for other, left in with_path(index, last, siblings):
        old, new = (sha(b'\1' + other + old), sha(b'\1' + other + new)) if left else (old, sha(b'\1' + new + other))
    if (old, new) != (begin.root, signed.root):
        fail('the log does not begin with the older checkpoint')
    return 'continues %d entries' % begin.size


if os.path.isfile(folder):
    head, _, note = open(folder, 'rb').read().partition(b'\n\n')
    head, signed = head.decode().split('\n'), Checkpoint(note)
    if not signed.signed_by(trusted):
        fail('the checkpoint is not signed by the key')
    proved = proof_of_entry if head[0] == 'c2sp.org/tlog-proof@v1' else proof_of_continuation
    print('verified: ' + proved(head, signed))
    sys.exit()

# The tree, from its smallest hashes upwards.
checkpoint = Checkpoint(read('checkpoint'))
size = checkpoint.size
entries, leaves = [], []
for number in range((size + 255) // 256):
    filled = min(256, size - number * 256)
    bundle = read(tile_path('entries', number, filled))
    at = 0
    for _ in range(filled):
        length = int.from_bytes(bundle[at:at + 2], 'big')
        entries.append(bundle[at + 2:at + 2 + length])
        if len(entries[-1]) != length:
            fail('an entry bundle is cut')
        at += 2 + length
    if at != len(bundle):
        fail('an entry bundle is too long')
leaves = [sha(b'\0' + entry) for entry in entries]


def folded(hashes):
    while len(hashes) > 1:
        hashes = [sha(b'\1' + hashes[i] + hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]


level, hashes = 0, leaves
while hashes:
    for number in range((len(hashes) + 255) // 256):
        part = hashes[number * 256:number * 256 + 256]
        if read(tile_path(level, number, len(part))) != b''.join(part):
            fail('tile %d of level %d is not made of the entries' % (number, level))
    hashes = [folded(hashes[i:i + 256]) for i in range(0, len(hashes) - len(hashes) % 256, 256)]
    level += 1


def subtree(begin, end):
    """RFC 6962, 2.1, over the leaves from begin up to end; perfect subtrees of tile height come from the tiles."""
    count = end - begin
    for high in (2, 1):
        block = 256 ** high
        if count == block and begin % block == 0 and end <= size - size % block:
            index = begin // block
            filled = min(256, size // block - index // 256 * 256)
            tile = read(tile_path(high, index // 256, filled))
            return tile[index % 256 * 32:index % 256 * 32 + 32]
    if count == 1:
        return leaves[begin]
    split = 1
    while split * 2 < count:
        split *= 2
    return sha(b'\1' + subtree(begin, begin + split) + subtree(begin + split, end))


def root_of(count):
    return subtree(0, count) if count else sha(b'')


def split_of(count):
    split = 1
    while split * 2 < count:
        split *= 2
    return split


def inclusion(index, begin, end):
    if end - begin == 1:
        return []
    middle = begin + split_of(end - begin)
    if index < middle:
        return inclusion(index, begin, middle) + [('right', subtree(middle, end))]
    return inclusion(index, middle, end) + [('left', subtree(begin, middle))]


if root_of(size) != checkpoint.root:
    fail('the root is not the signed one')
for index in sorted({0, size // 3, size // 2, size - 1} if size else []):
    value = leaves[index]
    for side, other in inclusion(index, 0, size):
        value = sha(b'\1' + (other + value if side == 'left' else value + other))
    if value != checkpoint.root:
        fail('entry %d is not in the tree' % index)

# The keys: a rotation counts where one checkpoint that holds it carries both signatures.
notes = [checkpoint]
while os.path.exists(os.path.join(folder, 'rotation-%d' % len(notes))):
    notes.append(Checkpoint(read('rotation-%d' % len(notes))))
for note in notes:
    if root_of(note.size) != note.root:
        fail('the tree of %d entries does not begin the log' % note.size)
key = trusted
for seq, entry in enumerate(entries):
    entry = json.loads(entry)
    if entry['type'] != 'key.rotated' or entry['from'] != key:
        continue
    if not any(note.size > seq and note.signed_by(key) and note.signed_by(entry['to']) for note in notes):
        fail('nothing shows that the key before approved of the one that entry %d names' % seq)
    key = entry['to']
if not checkpoint.signed_by(key):
    fail('the checkpoint is not signed by the key')
print('verified: %d entries' % size)
