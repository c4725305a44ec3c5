/**
 * What a change costs, reckoned from the ledger: the preview and the change itself ask the same function.
 *
 * Pure. Invariant: it reads what was paid and what was used, never the subscription's list price or its balance.
 */
import {
  applyChange,
  chargeOf,
  holdCredit,
  reckonChange,
  waitsForBank,
  type AppliedChange,
  type ChangeOfMoney,
  type ChangePayer,
} from '../ledger/change';
import { openPeriod } from '../ledger/period';
import { removeCredit } from '../ledger/credit';
import type { TakenCredit, UsableCredit } from '../ledger/spend';
import type { CreditPart, LedgerState } from '../ledger/state';
import type { ChargeLimits } from '../money';
import type { NewTermsDecision } from './change';
import type { Refusal } from './commands';
import type { SubscriptionStatus } from './subscription';
import type { Line } from './proration';

/** The money that a change is reckoned from. */
export interface MoneyAtChange {
  state: LedgerState;
  credit: UsableCredit;
  limits: ChargeLimits;
}

export type PricedChange =
  /** The money of the period stays as it is. */
  | { kind: 'keeps' }
  /** Applies at once. `lines` wait for the next renewal. */
  | { kind: 'apply'; applied: AppliedChange; lines: Line[] }
  /** `amount` has to be paid first. */
  | { kind: 'charge'; amount: number; held: TakenCredit[]; lines: Line[]; change: ChangeOfMoney };

/** The subscription that a change is priced for. */
export interface AskedOf {
  /** When the change was asked for. */
  at: string;
  status: SubscriptionStatus;
  /** When it ends by itself, as the change leaves that; null: it goes on. */
  endsAt: string | null;
}

/**
 * Prices a change, or refuses it: what a bank decides about has no price, and after its end nothing is renewed that
 * could charge what waits.
 */
export function priceChange(
  money: MoneyAtChange,
  decision: NewTermsDecision,
  { at, status, endsAt }: AskedOf,
): PricedChange | Refusal {
  if (decision.money === 'keeps') return { kind: 'keeps' };
  const refuse = (detail: string): Refusal => {
    return { kind: 'refused', code: 'subscription_state', detail, reason: status };
  };
  if (waitsForBank(money.state, at, money.credit.undecided ?? [])) {
    const isOtherInterval = decision.terms.new_period !== null;
    const instead = isOtherInterval ? 'another interval waits for that' : insteadOfPrice;
    return refuse(`Money of the present period is under dispute until the bank decides: ${instead}.`);
  }
  const priced = priceOf(money, decision, at);
  const waits =
    decision.money === 'next_renewal' && priced.kind === 'apply' && priced.applied.reckoning.due > 0;
  if (!waits || endsAt === null) return priced;
  return refuse(`The subscription ends at ${endsAt}, and is not renewed: ${insteadOfRenewal}.`);
}

const insteadOfPrice = 'proration none and effective period_end are possible meanwhile';
const insteadOfRenewal =
  'proration charge_now charges the difference, cancel_at_period_end false takes the end back';

function priceOf(
  { state, credit, limits }: MoneyAtChange,
  { terms, money, before, after }: NewTermsDecision,
  at: string,
): Exclude<PricedChange, { kind: 'keeps' }> {
  const { new_period: newPeriod, amount: price } = terms;
  const change: ChangeOfMoney = { at, price, newPeriod, blocked: [...credit.blocked] };
  const { left, cost, due } = reckonChange(state, change);
  const rest = { start: at, end: newPeriod?.end ?? state.period?.end ?? at };
  const unused = newPeriod === null ? before : `Unused: ${before}`;
  const lines = [
    line(unused, -left, { ...rest, end: state.period?.end ?? rest.end }),
    line(after, cost, rest),
  ];
  const payer: ChangePayer = { kind: 'next_renewal' };
  if (money === 'next_renewal' || due === 0) {
    return { kind: 'apply', applied: applyChange(state, change, payer), lines: lines.flat() };
  }
  const charged = chargeOf(state, change, { credit, limits });
  const used = charged.credit.reduce((sum, part) => sum + part.amount, 0);
  // Negative: what was owed is charged with it.
  const carried = due - used - charged.charge;
  if (charged.charge === 0) {
    const applied = applyChange(state, change, { kind: 'credit', credit: charged.credit });
    return {
      kind: 'apply',
      applied,
      lines: [...lines.flat(), ...line('Credit used', -ofCustomer(charged.credit), rest)],
    };
  }
  return {
    kind: 'charge',
    amount: charged.charge,
    held: charged.credit,
    change,
    lines: [
      ...lines.flat(),
      ...line('Credit used', -used, rest),
      ...line(carried > 0 ? 'Carried to the next charge' : 'Carried from before', -carried, rest),
    ],
  };
}

function ofCustomer(credit: readonly TakenCredit[]): number {
  return credit.reduce((sum, { owner, amount }) => sum + (owner === 'customer' ? amount : 0), 0);
}

function line(description: string, amount: number, period: Line['period']): Line[] {
  return amount === 0 ? [] : [{ description, amount, period }];
}

/** The state once a priced change applies and is paid, and what is left of the customer's credit. */
export function stateAfter(
  { state, credit }: MoneyAtChange,
  priced: PricedChange,
): { state: LedgerState; customer: CreditPart[] } {
  switch (priced.kind) {
    case 'keeps':
      return { state, customer: [...credit.customer] };
    case 'apply':
      return {
        state: priced.applied.state,
        customer: removeCredit(credit.customer, priced.applied.customerCredit),
      };
    case 'charge': {
      const held = holdCredit(state, 'charge', priced.held);
      const payer = { kind: 'payment', paymentId: 'charge', amount: priced.amount } as const;
      const applied = applyChange(held.state, priced.change, payer);
      return { state: applied.state, customer: removeCredit(credit.customer, held.customerCredit) };
    }
  }
}

/** What the next renewal would charge. @param price of the period that it opens */
export function nextCharge(
  money: MoneyAtChange,
  price: number,
  period: { start: string; end: string },
): number {
  const { charge } = openPeriod(money.state, {
    period,
    price,
    paymentId: 'charge',
    credit: money.credit,
    limits: money.limits,
    pausedAt: null,
  });
  return charge;
}
