/** Compares what rows say with what must stand, and the ledger's cash with what the played provider has. */
import { isFinal } from '../../../domain/subscription/subscription';
import type { RefundFigures, SubscriptionFigures } from './rows';
import type { Expected } from './script';
import type { Stage } from './stage';

/** Accounts whose balances are debits. */
const debits = ['cash/', 'receivable', 'written_off', 'allowances', 'disputed'];

/** @returns what does not hold after a step */
export function findDifferences(stage: Stage, expected: Expected): string[] {
  return [
    ...figureFaults(stage, expected),
    ...subscriptionFaults(stage, expected),
    ...paymentFaults(stage, expected),
    ...refundFaults(stage, expected),
  ];
}

function differ(of: string, what: string, found: unknown, expected: unknown): string[] {
  return found === expected ? [] : [`${of} has ${what} ${String(found)}; it should be ${String(expected)}`];
}

function figureFaults(stage: Stage, { figures }: Expected): string[] {
  const found = new Map(
    stage.rows.sums.map(({ owner, account, source, amount }) => [
      `${owner === '' ? 'customer' : owner}|${account}|${source}`,
      debits.some((name) => account.startsWith(name)) ? amount : -amount,
    ]),
  );
  const expected = new Map([...figures].map(([key, amount]) => [realKey(stage, key), amount]));
  return [...new Set([...found.keys(), ...expected.keys()])].flatMap((key) =>
    differ(key, 'amount', found.get(key) ?? 0, expected.get(key) ?? 0),
  );
}

function realKey(stage: Stage, key: string): string {
  const [owner = '', account = '', source = ''] = key.split('|');
  const real = (name: string) => stage.names.get(name) ?? name;
  return `${real(owner)}|${account}|${real(source)}`;
}

function subscriptionFaults(stage: Stage, { subs }: Expected): string[] {
  return subs.flatMap((sub) => {
    const row = stage.sub(sub.id);
    const { period, cancel, open, status } = sub;
    const check = (what: string, found: unknown, expected: unknown) => differ(sub.id, what, found, expected);
    if (status === 'ended') return check('status', isFinal(row.status) ? 'ended' : row.status, 'ended');
    return [
      ...check('status', row.status, status),
      ...check('price', row.amount, sub.price),
      ...check('period', row.period_index, period?.index ?? null),
      ...check('start', instantOf(row.period_start), period?.start ?? null),
      ...check('end', instantOf(row.period_end), period?.end ?? null),
      ...check('paid', row.period_paid, period?.paid ?? null),
      ...check('scheduled end', instantOf(row.cancel_at), cancel?.at ?? null),
      ...(status === 'incomplete' ? [] : openFaults(stage, row, open)),
      ...(status === 'incomplete' ? [] : check('change that waits', row.pending, waitingOf(stage, sub))),
      ...(status === 'paused' ? check('paused from', row.paused_from, sub.pausedFrom) : []),
    ];
  });
}

/** Until its caller is answered nobody knows that a change waits for its charge. */
function waitingOf({ script }: Stage, { waiting, next }: Expected['subs'][number]): string | null {
  if (waiting !== null && !script.unanswered.has(waiting)) return 'when_paid';
  return next === null ? null : 'period_end';
}

function openFaults(stage: Stage, row: SubscriptionFigures, open: string | null): string[] {
  return differ(row.id, 'open payment', row.open_payment_id, open === null ? null : stage.named(open));
}

/** PostgreSQL writes instants of JSON without a zone or fractions that are 0. */
function instantOf(text: string | null): string | null {
  return text === null ? null : new Date(text).toISOString();
}

function paymentFaults(stage: Stage, { payments }: Expected): string[] {
  const cash = new Map<string, number>();
  for (const { account, source, amount } of stage.rows.sums) {
    if (account.startsWith('cash/')) cash.set(source, (cash.get(source) ?? 0) + amount);
  }
  const extra = stage.rows.payments.length - payments.length;
  return [
    ...(extra === 0 ? [] : [`there are ${extra} payments more than should be`]),
    ...payments.flatMap((payment) => {
      const row = stage.payment(payment.id);
      return [
        ...differ(payment.id, 'amount', row.amount, payment.amount),
        ...differ(payment.id, 'unapplied', row.unapplied, payment.unapplied),
        ...differ(payment.id, 'disputed', row.disputed, payment.disputed),
        ...differ(payment.id, 'lost', row.lost, payment.lost),
        ...differ(payment.id, 'cash', cash.get(row.id) ?? 0, stage.provider.cashOf(row.id)),
      ];
    }),
  ];
}

function refundFaults(stage: Stage, { refunds }: Expected): string[] {
  const extra = stage.rows.refunds.length - refunds.length;
  return [
    ...(extra === 0 ? [] : [`there are ${extra} refunds more than should be`]),
    ...refunds.flatMap(({ id, status }) => {
      const real = stage.names.get(id);
      const row = stage.rows.refunds.find((each) => each.id === real);
      return row === undefined ? [`there is no refund ${id}`] : differ(id, 'status', statusOf(row), status);
    }),
  ];
}

function statusOf({ status, is_released: isReleased }: RefundFigures): string {
  if (status === 'succeeded') return 'paid';
  return isReleased ? 'released' : status;
}
