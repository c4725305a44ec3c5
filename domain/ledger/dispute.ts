/** Disputes: their states, what a provider's word about one does, and what an operator is asked. Pure. */
import { moneyText } from '../money';

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

interface AskedDispute {
  status: DisputeStatus;
  provider_reference: string;
  amount: bigint;
  currency: string;
}

/** What an operator is asked about the disputes of a payment; null: nothing, none is open and none was lost. */
export function disputeDetail(disputes: readonly AskedDispute[]): string | null {
  const textOf = ({ provider_reference: name, amount, currency }: AskedDispute) =>
    `${moneyText(Number(amount), currency)} (${name})`;
  const named = (which: DisputeStatus): string =>
    disputes
      .filter(({ status }) => status === which)
      .map(textOf)
      .join(', ');
  const [open, lost] = [named('open'), named('lost')];
  const isOpen = `The customer disputes ${open}: answer the bank at the provider. Nothing of the payment is refunded meanwhile.`;
  const isLost = `Lost: ${lost}. That money is gone.`;
  const parts = [...(open === '' ? [] : [isOpen]), ...(lost === '' ? [] : [isLost])];
  return parts.length === 0 ? null : parts.join(' ');
}
