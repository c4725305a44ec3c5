/**
 * A dispute as the sandbox provider tells of it.
 *
 * Owns: the shape of a dispute on the wire, and which turns it can take. The server writes it and the adapter reads it.
 */
import { z } from 'zod';

/** An inquiry has taken no money. `open` and `lost` hold the amount, `won` has given it back. */
export const disputeStatuses = ['inquiry', 'open', 'won', 'lost'] as const;
export type DisputeStatus = (typeof disputeStatuses)[number];

export const dispute = z.object({
  id: z.string().min(1).max(200),
  charge_id: z.string(),
  amount: z.int(),
  currency: z.string(),
  status: z.enum(disputeStatuses),
  reason: z.string().min(1).max(100),
  created_at: z.iso.datetime(),
});
export type Dispute = z.infer<typeof dispute>;

/** What can become of it: a bank may take the money again after it was won, and give it back after it was lost. */
const turns: Readonly<Record<DisputeStatus, readonly DisputeStatus[]>> = {
  inquiry: ['open'],
  open: ['won', 'lost'],
  won: ['open'],
  lost: ['won'],
};

/** Whether a dispute can take this turn. */
export function mayTurn(from: DisputeStatus, to: DisputeStatus): boolean {
  return turns[from].includes(to);
}
