/**
 * `serve` and `worker` as a program for machines that live faster: its first argument is for how many milliseconds a failed log-in
 * counts, in place of ten minutes. What follows from those that count is the product's own.
 */
import { serviceProcesses } from '../../src/service-processes.ts';

process.noDeprecation = true; // as the product's own program has it
const [ms, command, , config = '', , logLevel = 'warn'] = process.argv.slice(2);
const processes = serviceProcesses(() => {}, { logInWindowMs: Number(ms) });
await processes[command === 'worker' ? 'worker' : 'serve']({ config, logLevel });
