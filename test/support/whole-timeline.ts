/** Every entry of a timeline, as a caller with every scope reads it. */
import { readableEntries } from '../../billing/timeline/readable';
import { scopes } from '../../contracts/scopes';

export const wholeTimeline = readableEntries('customer', scopes).readable;
