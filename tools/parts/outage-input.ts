/** What a caller says who takes a whole role or zone away. */
import { sharpSwitch } from '../../src/core/switches.ts';

export const outageInput = {
  declareOutage: sharpSwitch(
    'Go on although a role or zone is left without any node that takes pods; it needs a critical approval',
    ['declare … outage', 'accept … outage', 'planned outage', 'outage is accepted', 'outage is fine', 'outage is ok'],
  ),
};
