/** Money that is set aside: for refunds, by disputes, for charges that are open, and what is not assigned yet. */
import { finalStatuses } from '../../../domain/subscription/subscription';
import type { LedgerFacts, PaymentMoneyFact } from '../ledger-facts';
import { Sums, unequal, type LedgerInvariant } from './ledger-invariant';

const finals: readonly string[] = finalStatuses;
const openStatuses = new Set(['requested', 'processing', 'requires_action', 'pending', 'unknown']);

const sumOfAccount = ({ entries }: LedgerFacts, account: string, sign: 1 | -1): Sums =>
  Sums.of(
    entries.filter((entry) => entry.account === account),
    ({ source }) => source,
    ({ amount }) => sign * amount,
  );

/** Pending, or failed and not given up. */
function refundingIsReserved(ledger: LedgerFacts): string[] {
  const reserved = Sums.of(
    ledger.refunds.filter(
      ({ status, released }) => status === 'pending' || (status === 'failed' && !released),
    ),
    ({ payment_id: id }) => id,
    ({ amount }) => amount,
  );
  const line = (id: string, left: number, right: number) =>
    `${id}: ${left} is set aside, its refunds say ${right}`;
  return unequal(sumOfAccount(ledger, 'refunding', -1), reserved, line);
}

function disputedIsOpen(ledger: LedgerFacts): string[] {
  const of = (status: string): Sums =>
    Sums.of(
      ledger.disputes.filter((dispute) => dispute.status === status),
      ({ payment_id: id }) => id,
      ({ amount }) => amount,
    );
  const columnOf = (name: 'disputed_amount' | 'lost_amount'): Sums =>
    Sums.of(
      ledger.payments,
      ({ id }) => id,
      (payment) => payment[name],
    );
  const line = (what: string) => (id: string, left: number, right: number) =>
    `${id}: ${left} ${what}, its disputes say ${right}`;
  return [
    ...unequal(sumOfAccount(ledger, 'disputed', 1), of('open'), line('is disputed')),
    ...unequal(columnOf('disputed_amount'), of('open'), line('is disputed by its row')),
    ...unequal(columnOf('lost_amount'), of('lost'), line('is lost by its row')),
  ];
}

function unappliedIsItsAccount(ledger: LedgerFacts): string[] {
  const columns = Sums.of(
    ledger.payments,
    ({ id }) => id,
    ({ unapplied_amount: amount }) => amount,
  );
  const line = (id: string, left: number, right: number) =>
    `${id}: ${left} is not applied by its row, its entries say ${right}`;
  return unequal(columns, sumOfAccount(ledger, 'unapplied', -1), line);
}

function heldForWhatIsOpen({ states, payments }: LedgerFacts): string[] {
  const statusOf = new Map(payments.map(({ id, status }) => [id, status]));
  return states.flatMap(({ id, ledger_state: state }) => {
    if (state === null) return [];
    const { held_for: paymentId, funds } = state;
    const held = funds.reduce((sum, fund) => sum + fund.held, 0);
    if (paymentId === null) return held === 0 ? [] : [`${id} has ${held} set aside for nothing`];
    const status = statusOf.get(paymentId) ?? 'not there';
    return openStatuses.has(status)
      ? []
      : [`${id} has ${held} set aside for ${paymentId}, which is ${status}`];
  });
}

/**
 * Whether a bank decides about money that nobody wants: a dispute of the payment is open, and its subscription has ended
 * or it was for a change, which the dispute has overtaken.
 */
function waitsForBank(
  { disputes, states }: LedgerFacts,
  { id, kind, subscription_id: of }: PaymentMoneyFact,
): boolean {
  const status = states.find((state) => state.id === of)?.status;
  const isWanted = kind !== 'proration' && !(status !== undefined && finals.includes(status));
  return !isWanted && disputes.some((dispute) => dispute.payment_id === id && dispute.status === 'open');
}

function nothingUnapplied(ledger: LedgerFacts): string[] {
  return ledger.payments
    .filter((payment) => payment.unapplied_amount !== 0 && !waitsForBank(ledger, payment))
    .map(({ id, status, unapplied_amount: amount }) => `${amount} of ${id}, which is ${status}`);
}

/** After each transaction. */
export const setAsideInvariants: readonly LedgerInvariant[] = [
  { name: 'refunding is what refunds have reserved', violations: refundingIsReserved },
  { name: 'disputed is what disputes say', violations: disputedIsOpen },
  { name: 'unapplied is its account', violations: unappliedIsItsAccount },
];

/** Once nothing is on its way. */
export const settledMoneyInvariants: readonly LedgerInvariant[] = [
  { name: 'credit is held for open payments only', violations: heldForWhatIsOpen },
  { name: 'all that was collected is applied', violations: nothingUnapplied },
];
