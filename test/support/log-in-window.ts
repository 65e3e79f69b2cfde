/**
 * Loaded into a process before the product, as `log-in-window.ts?ms=2000`: for so long a failed log-in counts, in place of ten
 * minutes. What follows from those that count is the product's own.
 */
import { LoginBreaker } from '../../src/adapters/redfish/login-breaker.ts';

LoginBreaker.windowMs = Number(new URL(import.meta.url).searchParams.get('ms'));
