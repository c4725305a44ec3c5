/** How long the follow-ups of payments wait, as the settings say. */
import type { Config } from '../config';
import type { FollowUpTimes } from '../contracts/workflows/commands';

export const followUpTimes = (config: Config): FollowUpTimes => ({
  incompleteHours: config.INCOMPLETE_HOURS,
  firstLookupSeconds: config.LOOKUP_AFTER_SECONDS,
});
