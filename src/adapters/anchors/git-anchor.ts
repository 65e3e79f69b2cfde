/**
 * An anchor that is a branch of a git repository: each checkpoint is a commit
 * on top of the one before, so whoever pulls it keeps the whole succession, and
 * a server that refuses forced pushes keeps it from being rewritten. Made of
 * git's plumbing, with no work tree.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Anchor } from '../../core/anchor.ts';
import { FleetError } from '../../core/errors.ts';

const run = promisify(execFile);
const branch = 'refs/heads/custody';
const fetched = 'refs/groundskeeper/custody';
const file = 'checkpoint';
const limitMs = 30_000;

export type GitAnchorOptions = {
  /** Folder of a bare repository, made when it does not exist. */
  repository: string;
  /** Where to push; then the remote branch is the anchor, and the repository only a place to work in. */
  remote?: string;
};

/** Failures are `precondition_failed`: retry later, or never where there is no git. */
export function gitAnchor({ repository, remote }: GitAnchorOptions): Anchor {
  const git = (args: string[], input?: string) => runGit(['--git-dir', repository, ...args], input);

  async function tip(): Promise<string | undefined> {
    await git(['init', '--quiet', '--bare']);
    if (remote === undefined) return (await git(['for-each-ref', '--format=%(objectname)', branch])) || undefined;
    const listed = await git(['ls-remote', '--', remote, branch]);
    if (listed === '') return undefined;
    await git(['fetch', '--quiet', '--no-tags', '--', remote, `+${branch}:${fetched}`]);
    return git(['rev-parse', fetched]);
  }

  return {
    name: `git ${remote ?? repository}`,
    async newest() {
      const commit = await tip();
      if (commit === undefined) return undefined;
      return `${await git(['cat-file', 'blob', `${commit}:${file}`])}\n`;
    },
    async post(note) {
      const parent = await tip();
      const blob = await git(['hash-object', '-w', '--stdin'], note);
      const tree = await git(['mktree'], `100644 blob ${blob}\t${file}\n`);
      const parents = parent === undefined ? [] : ['-p', parent];
      const commit = await git(['commit-tree', tree, ...parents], `Custody checkpoint of ${sizeIn(note)} entries\n`);
      // Neither moves what somebody else has moved meanwhile.
      if (remote === undefined) await git(['update-ref', branch, commit, parent ?? '']);
      else await git(['push', '--quiet', '--', remote, `${commit}:${branch}`]);
    },
  };
}

function sizeIn(note: string): string {
  return note.split('\n')[1] ?? '';
}

/** Trimmed standard output. No terminal and no editor is ever asked, and no helper runs that an URL names. */
async function runGit(args: string[], input = ''): Promise<string> {
  const name = 'Groundskeeper';
  const env = {
    ...process.env,
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: 'file:https:ssh',
    ...{ GIT_AUTHOR_NAME: name, GIT_COMMITTER_NAME: name, GIT_AUTHOR_EMAIL: '', GIT_COMMITTER_EMAIL: '' },
  };
  const work = run('git', args, { env, timeout: limitMs, maxBuffer: 1024 * 1024 });
  work.child.stdin?.on('error', () => {}); // it ended without reading, and says why by its status
  work.child.stdin?.end(input);
  try {
    return (await work).stdout.trimEnd();
  } catch (thrown) {
    const { code, stderr } = thrown as { code?: string | number; stderr?: string };
    if (code === 'ENOENT') {
      throw new FleetError({
        code: 'precondition_failed',
        message: 'a git anchor needs the git program, and there is none',
        hint: 'install git, or use a file as anchor',
      });
    }
    throw new FleetError({
      code: 'precondition_failed',
      retry: 'later',
      message: `git ${args[2]} failed (${code ?? 'no answer in time'})`,
      untrusted: stderr?.trim().slice(0, 500),
    });
  }
}
