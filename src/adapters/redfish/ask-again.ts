/**
 * Some BMCs answer `/Thermal` with a general error now and then, and well when it is asked once more. Without that the sensors
 * would come from another resource for that one look, under other addresses, and be taken for others.
 */
import { BmcStatus } from './answer.ts';

/** Once more, where the BMC itself says that it failed; a BMC that is busy, or silent, is left alone. */
export async function askAgain<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof BmcStatus) || error.status !== 500) throw error;
    return read();
  }
}
