/** Disputes: their states, and what a provider's word about one does. Pure. */

export const disputeStatuses = ['open', 'won', 'lost'] as const;
export type DisputeStatus = (typeof disputeStatuses)[number];

/** What a provider tells of a dispute. An inquiry moves no money. */
export type DisputeEvent = 'opened' | 'won' | 'lost';

/** `regain`: a loss that the bank takes back. */
export type DisputeStep = 'open' | 'close_won' | 'close_lost' | 'regain';

/**
 * The steps that a provider's word takes, in their order; none: it is known already.
 * @param status as it stands; null: nobody has heard of the dispute, so that any event may be the first
 */
export function decideDispute(status: DisputeStatus | null, event: DisputeEvent): readonly DisputeStep[] {
  switch (event) {
    case 'opened':
      // A dispute that was decided is not opened by its first event, told once more or late.
      return status === null ? ['open'] : [];
    case 'won':
      if (status === null) return ['open', 'close_won'];
      if (status === 'open') return ['close_won'];
      return status === 'lost' ? ['regain'] : [];
    case 'lost':
      if (status === null || status === 'won') return ['open', 'close_lost'];
      return status === 'open' ? ['close_lost'] : [];
  }
}
