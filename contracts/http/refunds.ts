/** Refunds as the API shows them. */
import { z } from 'zod';
import { refundStatuses } from '../../domain/payment/refund';
import { customersInstant, positiveAmount, realInstant, text } from '../fields';

export const createRefund = z
  .strictObject({
    amount: positiveAmount.optional().meta({ description: 'Minor units; left out: all that is left.' }),
    reason: text(500),
  })
  .meta({ id: 'CreateRefund' });
export type CreateRefund = z.infer<typeof createRefund>;

export const refund = z
  .object({
    id: z.string(),
    payment_id: z.string(),
    amount: z.int(),
    currency: z.string(),
    status: z.enum(refundStatuses),
    reason: z.string(),
    at: customersInstant,
    created_at: realInstant,
  })
  .meta({ id: 'Refund' });
export type Refund = z.infer<typeof refund>;
