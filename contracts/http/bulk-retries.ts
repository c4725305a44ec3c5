/** Bulk retries: which failed payments, how fast, and how far it is. */
import { z } from 'zod';
import {
  bulkRetryCommands,
  bulkRetryStatuses,
  defaultRatePerSecond,
  maxRatePerSecond,
  maxSelected,
} from '../../domain/retry/bulk-retry';
import { declineCategories, declineCodes } from '../../domain/payment/payment';
import { retryRefusals } from '../../domain/retry/refusal';
import { actor, id, instant, text } from '../fields';
import { pageQuery } from './lists';

const reasonsOfFailure = [...new Set([...declineCodes, ...declineCategories])];
const rateMessage = `must be a whole number from 1 to ${maxRatePerSecond}`;

export const bulkRetryFilter = z
  .strictObject({
    categories: z
      .array(z.enum(reasonsOfFailure, `must be a decline code or category: ${reasonsOfFailure.join(', ')}`))
      .min(1, 'must name at least one')
      .max(reasonsOfFailure.length, `must name at most ${reasonsOfFailure.length}`)
      .optional()
      .meta({ description: 'The latest attempt failed for one of these: decline codes or categories.' }),
    provider: text(40).optional().meta({ description: 'The latest attempt was made there.' }),
    plan_id: id.optional().meta({ description: 'Payments of subscriptions that have this plan now.' }),
    failed_from: instant.optional().meta({ description: 'The latest attempt failed then or later.' }),
    failed_to: instant.optional().meta({ description: 'The latest attempt failed before.' }),
  })
  .refine(
    ({ failed_from: from, failed_to: to }) =>
      from === undefined || to === undefined || Date.parse(from) < Date.parse(to),
    { path: ['failed_to'], error: 'must be later than failed_from' },
  )
  .meta({ id: 'BulkRetryFilter' });
export type BulkRetryFilter = z.infer<typeof bulkRetryFilter>;

export const createBulkRetry = z
  .strictObject({
    filter: bulkRetryFilter,
    reason: text(500),
    rate_per_second: z
      .int(rateMessage)
      .min(1, rateMessage)
      .max(maxRatePerSecond, rateMessage)
      .default(defaultRatePerSecond)
      .meta({ description: 'Payments that are handed over in a second, at most.' }),
    preview: z.boolean().meta({ description: 'true: nothing is tried, and the answer says what would be.' }),
    confirm_all: z
      .boolean()
      .default(false)
      .meta({ description: 'Needed to run with a filter that has no bound at all.' }),
  })
  .meta({ id: 'CreateBulkRetry' });
export type CreateBulkRetry = z.output<typeof createBulkRetry>;

export const listBulkRetries = pageQuery.extend({
  status: z.enum(bulkRetryStatuses, `must be one of ${bulkRetryStatuses.join(', ')}`).optional(),
});

export const bulkRetryPreview = z
  .object({
    count: z
      .int()
      .meta({ description: 'Payments that would be tried, without those that would be refused.' }),
    sums: z.array(z.object({ currency: z.string(), amount: z.int() })).meta({ description: 'Of these.' }),
    refusals: z.array(z.object({ reason: z.string(), count: z.int() })).meta({
      description: `One of ${retryRefusals.join(', ')}, or in_bulk_retry: another run that is not over has it.`,
    }),
  })
  .meta({ id: 'BulkRetryPreview' });
export type BulkRetryPreview = z.infer<typeof bulkRetryPreview>;

export const bulkRetry = z
  .object({
    id: z.string(),
    status: z.enum(bulkRetryStatuses).meta({
      description: '`completed`: every payment was tried or refused. `previewed`: nothing is tried, ever.',
    }),
    filter: bulkRetryFilter,
    reason: z.string(),
    actor,
    rate_per_second: z.int(),
    preview: bulkRetryPreview
      .nullable()
      .meta({ description: 'As it was when it was asked for; of a run null.' }),
    progress: z
      .object({ total: z.int(), attempted: z.int(), refused: z.int(), remaining: z.int() })
      .nullable()
      .meta({ description: `Payments, ${maxSelected} at most. Of a preview null.` }),
    decision: z
      .object({ command: z.enum(bulkRetryCommands), at: instant, actor })
      .nullable()
      .meta({ description: 'The last time that somebody paused, resumed or cancelled it.' }),
    created_at: instant,
    updated_at: instant,
    finished_at: instant.nullable(),
  })
  .meta({ id: 'BulkRetry' });
export type BulkRetry = z.infer<typeof bulkRetry>;
