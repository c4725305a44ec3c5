/** What operators see and do of the jobs that exist once for all: the renewal scheduler, the reconciliation. */
import { z } from 'zod';
import { actor, instant, text } from '../fields';
import { predicateNames } from '../../domain/stuck-work';

export const renewalScheduler = z
  .object({
    paused: z
      .object({ at: instant, actor })
      .nullable()
      .meta({ description: 'null: it runs, as far as a retry worker does.' }),
    due: z.int().meta({ description: 'Subscriptions that are due and not yet announced.' }),
    oldest_due_at: instant.nullable(),
    next_due_at: instant.nullable().meta({ description: 'null: nothing is due by itself.' }),
  })
  .meta({ id: 'RenewalScheduler' });
export type RenewalScheduler = z.infer<typeof renewalScheduler>;

/** Why: kept with the decision. */
export const reasoned = z.strictObject({ reason: text(500) }).meta({ id: 'Reasoned' });
export type Reasoned = z.output<typeof reasoned>;

export const stuckWork = z
  .object({
    data: z.array(
      z.object({
        predicate: z.enum(predicateNames),
        count: z.int().meta({ description: 'At most 500 are counted.' }),
        subjects: z
          .array(z.object({ type: z.string(), id: z.string() }))
          .meta({ description: 'The first 20.' }),
      }),
    ),
  })
  .meta({ id: 'Unfinished' });
export type StuckWork = z.infer<typeof stuckWork>;

export const requestedRound = z.object({ status: z.literal('requested') }).meta({ id: 'RequestedRound' });
