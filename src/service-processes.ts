/** The processes that do the work: the one that serves, and those beside it. Each loads its part when it is run. */
import { configured } from './configured.ts';
import type { BmcLimits } from './configured-bmcs.ts';
import { FleetError } from './core/errors.ts';
import { runPart } from './demo/child.ts';
import type { Processes } from './surfaces/cli/process-commands.ts';

const standbyMs = 2_000;

/** What JSON would show as `{}`: an error that is none of ours is told with where it came from. */
const serializers = {
  error(thrown: unknown) {
    const error = FleetError.from(thrown);
    if (error.code !== 'internal') return error.toJSON();
    const { stack } = thrown instanceof Error ? thrown : error;
    return { ...error.toJSON(), stack };
  },
};

export function serviceProcesses(
  say: (text: string) => void,
  limits: BmcLimits = {},
): Pick<Processes, 'serve' | 'worker'> {
  return {
    async serve({ config: file, logLevel }) {
      const [{ default: pino }, { startService }] = await Promise.all([import('pino'), import('./service.ts')]);
      const lines = pino.destination(2);
      lines.on('error', () => {}); // the terminal is gone; what is left to do does not need it
      const log = pino({ level: logLevel, base: null, serializers }, lines);
      await runPart(
        async () => {
          const service = await startService({ config: configured(file), log, onReplaced: endNow(log), limits });
          // To one in a terminal it means that the terminal is gone.
          if (!process.stdin.isTTY) process.on('SIGHUP', () => void service.reloadPolicy());
          const waiting = setTimeout(
            () => say('Another process serves; this one works beside it, and serves when it is gone.'),
            standbyMs,
          );
          const ready = service.serving.then(url => ({ url })).finally(() => clearTimeout(waiting));
          return { ready, close: () => service.close() };
        },
        ({ url }) =>
          say(
            `Groundskeeper serves on ${url}. Log in with: groundskeeper login --url ${url}\nCtrl-C stops it; operations in flight go on at the next start.`,
          ),
      );
    },

    async worker({ config: file, logLevel }) {
      const [{ default: pino }, { startWorker }] = await Promise.all([import('pino'), import('./worker.ts')]);
      const log = pino({ level: logLevel, base: null, serializers }, pino.destination(2));
      await runPart(
        async () => {
          const worker = await startWorker({ config: configured(file), log, onReplaced: endNow(log), limits });
          return { ready: { executor: worker.executor }, close: () => worker.close() };
        },
        ({ executor }) => say(`Worker ${executor} takes part. Ctrl-C stops it; others go on with what it had begun.`),
      );
    },
  };
}

/** What another process took over is not ours any more, down to the steps that still run: nothing is tidied up. */
function endNow(log: { fatal(fields: object, message: string): void }): (error: FleetError) => void {
  return error => {
    log.fatal({ error }, error.message);
    process.exit(1);
  };
}
