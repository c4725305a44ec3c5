/**
 * A refund as the sandbox provider tells of it.
 *
 * Owns: the shape of a refund and of a list of refunds on the wire. The server writes it and the adapter reads it.
 */
import { z } from 'zod';

export const refund = z.object({
  id: z.string().min(1).max(200),
  charge_id: z.string(),
  /** Null: made at the provider, by hand. */
  idempotency_key: z.string().nullable(),
  amount: z.int(),
  currency: z.string(),
  status: z.enum(['succeeded', 'pending', 'failed']),
  created_at: z.iso.datetime(),
});
export type Refund = z.infer<typeof refund>;
