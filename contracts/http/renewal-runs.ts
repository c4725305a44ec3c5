/** Renewal runs as operators see them. */
import { z } from 'zod';
import { renewalOutcomes, renewalRunStatuses } from '../../domain/renewal/run';
import { realInstant } from '../fields';
import { pageQuery } from './lists';

export const listRenewalRuns = pageQuery.extend({
  status: z.enum(renewalRunStatuses, `must be one of ${renewalRunStatuses.join(', ')}`).optional(),
});

export const renewalRun = z
  .object({
    id: z.string().meta({ description: 'Its workflow is `renewal-run/{id}`.' }),
    status: z.enum(renewalRunStatuses).meta({
      description: '`paused`: it waits for the end of a pause. `lost`: nothing was seen of it for an hour.',
    }),
    size: z.int().meta({ description: 'Subscriptions that it renews.' }),
    left: z.int().meta({ description: 'Those that are not done yet.' }),
    counts: z.partialRecord(z.enum(renewalOutcomes), z.int()).meta({
      description:
        'By outcome. `open`: the charge has no clear answer yet. `nothing`: it was not due any more. `not_renewed`: given up, a task `renewal_failed`.',
    }),
    exceptions: z
      .array(z.object({ subscription_id: z.string(), detail: z.string() }))
      .meta({ description: 'Subscriptions that were not renewed, and why; at most 50.' }),
    oldest_due_at: realInstant.meta({
      description: 'When the first of them was due, by its customer’s time.',
    }),
    created_at: realInstant,
    progress_at: realInstant.meta({ description: 'When it last came further.' }),
    finished_at: realInstant.nullable(),
  })
  .meta({ id: 'RenewalRun' });
export type RenewalRun = z.infer<typeof renewalRun>;
