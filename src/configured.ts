/** The configuration of a file, or every problem of it as one error. */
import { loadConfig } from './config.ts';
import { FleetError } from './core/errors.ts';

/** Answers the configuration, or throws every problem of it at once. */
export function configured(file: string) {
  const result = loadConfig(file);
  if (result.ok) return result.config;
  const lines = result.problems.map(({ path, expected, found, hint }) => {
    const place = path === '' ? '' : `${path}: `;
    return `  ${place}expected ${expected}, found ${found}${hint ? ` (${hint})` : ''}`;
  });
  throw new FleetError({
    code: 'invalid_config',
    message: `${file} has ${lines.length} problem${lines.length === 1 ? '' : 's'}:\n${lines.join('\n')}`,
    hint: `correct the file and look again: groundskeeper check --config ${file}`,
  });
}
