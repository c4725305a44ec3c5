/** Every fact about money has its transaction in the ledger: facts anti-joined to transactions give nothing. */
import type { LedgerFacts } from '../ledger-facts';
import { Sums, type LedgerInvariant } from './ledger-invariant';

const idsOf = ({ transactions }: LedgerFacts): Set<string> => new Set(transactions.map(({ id }) => id));

function receivedAttempts(ledger: LedgerFacts): string[] {
  const ids = idsOf(ledger);
  return ledger.received
    .map(({ payment_id: id, number }) => `${id}/collected/${number}`)
    .filter((id) => !ids.has(id));
}

/** A refund is reserved once, and what went to the provider for it is what its status says. */
function refunds(ledger: LedgerFacts): string[] {
  const refundOf = new Map(ledger.transactions.map(({ id, refund_id: refund }) => [id, refund]));
  const reserved = new Set(
    ledger.transactions
      .filter(({ kind }) => kind === 'refund_reserved' || kind === 'subscription_ended')
      .flatMap(({ refund_id: refund, subscription_id: subscription, kind }) =>
        kind === 'refund_reserved' ? [refund] : [subscription],
      ),
  );
  const subscriptionOf = new Map(ledger.payments.map(({ id, subscription_id: of }) => [id, of]));
  const paid = Sums.of(
    ledger.entries.filter(
      ({ account, transaction_id: id }) => account.startsWith('cash/') && refundOf.get(id),
    ),
    ({ transaction_id: id }) => refundOf.get(id) ?? '',
    ({ amount }) => -amount,
  );
  return ledger.refunds.flatMap(({ id, payment_id: payment, status, amount }) => {
    const gone = status === 'succeeded' ? amount : 0;
    const isReserved = reserved.has(id) || reserved.has(subscriptionOf.get(payment) ?? '');
    return [
      ...(isReserved ? [] : [`${id} was never reserved`]),
      ...(paid.get(id) === gone
        ? []
        : [`${id} is ${status}, and ${paid.get(id)} of ${amount} was paid by the ledger`]),
    ];
  });
}

function disputes(ledger: LedgerFacts): string[] {
  const ids = idsOf(ledger);
  return ledger.disputes.flatMap(({ id, transitions }) =>
    Array.from({ length: transitions }, (_, index) => `${id}/${index + 1}`).filter((each) => !ids.has(each)),
  );
}

/** Subscriptions whose first payment went back whole before their first period opened: nothing was left to write. */
function unfunded({ transactions, entries, payments, received }: LedgerFacts): Set<string> {
  const backwards = new Set(
    transactions
      .filter(({ kind }) => kind === 'refund_reserved' || kind === 'dispute_lost')
      .map(({ id }) => id),
  );
  const back = Sums.of(
    entries.filter(({ account, transaction_id: id }) => account === 'unapplied' && backwards.has(id)),
    ({ source }) => source,
    ({ amount }) => amount,
  );
  const amountOf = new Map(received.map(({ payment_id: id, amount }) => [id, amount]));
  return new Set(
    payments
      .filter(
        ({ id, kind }) => kind === 'first' && back.get(id) > 0 && back.get(id) >= (amountOf.get(id) ?? 0),
      )
      .map(({ subscription_id: id }) => id ?? ''),
  );
}

/** Opened: the first one of a creation that was declined, or still waits, never was. What costs nothing has none. */
function openedPeriods(ledger: LedgerFacts): string[] {
  const ids = idsOf(ledger);
  const without = unfunded(ledger);
  const changes = Sums.of(
    ledger.transactions.filter(({ kind }) => kind === 'change_applied'),
    ({ subscription_id: id }) => id ?? '',
    () => 1,
  );
  const byChange = Sums.of(
    ledger.periods.filter(({ by_change: isByChange, amount }) => isByChange && amount > 0),
    ({ subscription_id: id }) => id,
    () => 1,
  );
  const missing = ledger.periods
    .filter(
      ({ index, paid, amount, by_change: isByChange }) => amount > 0 && !isByChange && (paid || index > 1),
    )
    .filter(({ index, subscription_id: id }) => index > 1 || !without.has(id))
    .map(({ subscription_id: id, index }) => `${id}/period/${index}`)
    .filter((id) => !ids.has(id));
  return [
    ...missing,
    ...byChange.keys
      .filter((id) => byChange.get(id) > changes.get(id))
      .map((id) => `${byChange.get(id)} periods of ${id} were opened by ${changes.get(id)} changes`),
  ];
}

function paidChanges({ transactions, paidChanges: changes }: LedgerFacts): string[] {
  const applied = new Set(
    transactions.filter(({ kind }) => kind === 'change_applied').map(({ payment_id: id }) => id),
  );
  return changes
    .filter(({ payment_id: id }) => !applied.has(id))
    .map(({ payment_id: id, subscription_id: of }) => `the change of ${of} that ${id} has paid`);
}

export const assignedInvariants: readonly LedgerInvariant[] = [
  { name: 'every collected attempt is in the ledger', violations: receivedAttempts },
  { name: 'every refund is in the ledger', violations: refunds },
  { name: 'every dispute is in the ledger', violations: disputes },
  { name: 'every opened period is in the ledger', violations: openedPeriods },
  { name: 'every paid change is in the ledger', violations: paidChanges },
];
