/** An anchor that is one file: on another disk, on a share of another machine, wherever a restore of the database does not reach. */
import { open, readFile, rename } from 'node:fs/promises';
import type { Anchor } from '../../core/anchor.ts';
import { FleetError } from '../../core/errors.ts';

/** Its content is the newest note, as `custody verify --anchor` takes it. Failures are `precondition_failed`, retry later. */
export function fileAnchor(path: string): Anchor {
  return {
    name: `file ${path}`,
    newest: () =>
      readFile(path, 'utf8').catch((thrown: NodeJS.ErrnoException) => {
        if (thrown.code === 'ENOENT') return undefined;
        throw failed(path, 'read', thrown);
      }),
    async post(note) {
      const draft = `${path}.new`;
      try {
        const file = await open(draft, 'w');
        try {
          await file.writeFile(note);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(draft, path);
      } catch (thrown) {
        throw failed(path, 'written', thrown as NodeJS.ErrnoException);
      }
    },
  };
}

function failed(path: string, what: 'read' | 'written', cause: NodeJS.ErrnoException): FleetError {
  return new FleetError({
    code: 'precondition_failed',
    retry: 'later',
    message: `the anchor ${path} cannot be ${what} (${cause.code})`,
    hint: 'its folder has to exist and to be writable for the service',
    cause,
  });
}
