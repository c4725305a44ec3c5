/** Operator tasks: what a person has to decide. */
import { z } from 'zod';
import { operatorTaskKinds } from '../../domain/payment/operator-task';
import { actor, id, positiveAmount, realInstant, text } from '../fields';
import { pageQuery } from './lists';

const statuses = ['open', 'resolved'] as const;
const outcomes = ['succeeded', 'failed'] as const;

export const listOperatorTasks = pageQuery.extend({
  status: z.enum(statuses, `must be one of ${statuses.join(', ')}`).optional(),
  kind: z.enum(operatorTaskKinds, `must be one of ${operatorTaskKinds.join(', ')}`).optional(),
  subject_id: id.optional(),
});

export const resolveOperatorTask = z
  .strictObject({
    reason: text(500),
    outcome: z
      .enum(outcomes, `must be one of ${outcomes.join(', ')}`)
      .optional()
      .meta({
        description:
          'For unknown_outcome, amount_mismatch and refund_failed of a refund: what the provider’s records say. A failed ' +
          'refund that is resolved as failed is given up: its money is not reserved any more.',
      }),
    provider_reference: text(200)
      .optional()
      .meta({ description: 'The provider’s name of the charge; a refund needs it.' }),
    amount: positiveAmount.optional().meta({
      description:
        'Of a payment: what the provider has charged, minor units. Left out: what it has named; with unknown_outcome, ' +
        'else what was asked. With succeeded, what is more than was asked goes back, and less is refused. With failed, ' +
        'all of it goes back; left out, nothing was charged.',
    }),
  })
  .meta({ id: 'ResolveOperatorTask' });
export type ResolveOperatorTask = z.infer<typeof resolveOperatorTask>;

export const operatorTask = z
  .object({
    id: z.string(),
    kind: z.enum(operatorTaskKinds),
    subject: z.object({ type: z.string(), id: z.string() }),
    detail: z.string(),
    status: z.enum(statuses),
    created_at: realInstant,
    resolved: z
      .object({ at: realInstant, actor, reason: z.string(), outcome: z.enum(outcomes).nullable() })
      .nullable(),
  })
  .meta({ id: 'OperatorTask' });
export type OperatorTask = z.infer<typeof operatorTask>;
