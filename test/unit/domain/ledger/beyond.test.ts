/**
 * Refunds and lost disputes that take more of a payment than was charged: whichever comes back, and in whatever order,
 * what is left of the payment never stands for more than the provider holds of it, and all of them back is as before.
 */
import fc from 'fast-check';
import type { Entry } from '../../../../domain/ledger/accounts';
import { beyondCharge, returnShared, type Bearer } from '../../../../domain/ledger/beyond';
import { openFirstPeriod } from '../../../../domain/ledger/first-period';
import { openPeriod } from '../../../../domain/ledger/period';
import {
  loseDispute,
  openDispute,
  regainDispute,
  releaseRefund,
  reserveRefund,
  type Taken,
} from '../../../../domain/ledger/refund';
import { emptyState, fundOf, type LedgerState } from '../../../../domain/ledger/state';

const day = (days: number) => new Date(Date.UTC(2027, 0, 1 + days)).toISOString();
const charge = 1000;
const cash = 'cash/sandbox';

type Kind = 'refund' | 'loss';
interface Taking extends Bearer {
  id: number;
  amount: number;
}

const period = { start: day(0), end: day(30) };
const payment = { id: 'p', charge, amount: charge };

/** What the payment is to pay is open, and nothing has paid it. */
const openUnpaid = () =>
  openPeriod(emptyState, {
    period,
    price: charge,
    paymentId: 'p',
    credit: { customer: [], blocked: [] },
    limits: { smallest: 1, step: 1 },
    pausedAt: null,
  });

/** One payment of 10.00 for 30 days, on its tenth: 3.33 are used. Refunds here have failed and wait to be given up. */
class Books {
  state: LedgerState;
  readonly sums = new Map<string, number>([
    [cash, charge],
    ['unapplied', -charge],
  ]);
  takings: Taking[] = [];

  /** @param isApplied whether what was charged has been applied */
  constructor(
    isApplied = true,
    private readonly now = day(10),
  ) {
    this.state = this.write(
      isApplied ? openFirstPeriod(emptyState, { period, price: charge, payment }) : openUnpaid(),
    );
    const none = { paymentId: 'p', amount: 0, at: this.now, unapplied: 0, customerCredit: 0 };
    this.state = this.write(reserveRefund(this.state, none));
  }

  sum(account: string): number {
    return this.sums.get(account) ?? 0;
  }

  get gone(): number {
    return this.takings.reduce((sum, { amount }) => sum + amount, 0);
  }

  take(kind: Kind, amount: number): void {
    const beyond = beyondCharge(amount, charge - this.gone);
    const unapplied = 0 - this.sum('unapplied');
    const back = { paymentId: 'p', amount, at: this.now, unapplied, customerCredit: 0 };
    const isRefund = kind === 'refund';
    if (!isRefund) this.state = this.write(openDispute(this.state, 'p', amount, cash));
    const taken = isRefund ? reserveRefund(this.state, back) : loseDispute(this.state, back);
    this.state = this.write(taken);
    const account = isRefund ? 'allowances' : 'written_off';
    const id = this.takings.length === 0 ? 0 : Math.max(...this.takings.map((one) => one.id)) + 1;
    this.takings.push({ id, amount, account, taken: { ...taken.parts, beyond, at: this.now } });
  }

  giveBack(at: number): void {
    const taking = this.takings[at % this.takings.length];
    if (taking === undefined) return;
    const others = this.takings.filter((other) => other !== taking).toReversed();
    const losses = others.filter(({ account }) => account === 'written_off');
    const bearers = [...losses, ...others.filter((other) => !losses.includes(other))];
    const beyond = Math.max(0, this.gone - charge - (taking.taken.beyond ?? 0));
    const shared = returnShared(taking.taken, beyond, bearers, 'allowances');
    const { at: reservedAt = this.now, ...parts }: Taken = shared.taken;
    const back = { paymentId: 'p', at: this.now, reservedAt, alive: true, gone: shared.gone };
    const isRefund = taking.account === 'allowances';
    this.state = this.write(
      isRefund ? releaseRefund(this.state, parts, back) : regainDispute(this.state, parts, back, cash),
    );
    this.takings = this.takings
      .filter((other) => other !== taking)
      .map((other) => shared.bearers.find(({ id }) => id === other.id) ?? other);
  }

  private write({ state, entries }: { state: LedgerState; entries: readonly Entry[] }): LedgerState {
    for (const { account, amount } of entries) this.sums.set(account, this.sum(account) + amount);
    return state;
  }
}

const standing = ({ state, sums }: Books) => ({
  fund: fundOf(state, 'p'),
  sums: Object.fromEntries([...sums].filter(([, amount]) => amount !== 0)),
});

/** What was never applied comes back as credit. Of time that nothing has paid it does not count what was used. */
const standingOf = (books: Books, isApplied: boolean) => {
  const found = standing(books);
  if (isApplied) return found;
  const { fund, sums } = found;
  const { credit = 0, unapplied = 0, ...others } = sums;
  return { fund: { ...fund, credit: 0, used: 0 }, sums: { ...others, credit: credit + unapplied } };
};

it('a refund that is given up leaves to the loss what the loss had found gone, and the loss comes back with it', () => {
  const books = new Books();
  books.take('refund', 400);
  books.take('loss', 1000);
  expect(books.sum('written_off')).toBe(733);
  books.giveBack(0);
  expect(standing(books).sums).toEqual({ earned: -333, written_off: 333 });
  books.giveBack(0);
  expect(standing(books).sums).toEqual({ [cash]: 1000, earned: -333, unearned: -667 });
});

it('a loss that is taken back leaves to a refund of the provider what that had found gone', () => {
  const books = new Books();
  books.take('loss', 1000);
  books.take('refund', 400);
  expect(books.sum('allowances')).toBe(400);
  books.giveBack(0);
  expect(standing(books).sums).toEqual({ [cash]: 1000, refunding: -400, earned: -333, unearned: -267 });
  books.giveBack(0);
  expect(standing(books).sums).toEqual({ [cash]: 1000, earned: -333, unearned: -667 });
});

it('a refund that went beyond what a dispute had left comes back as it was taken', () => {
  const books = new Books();
  books.take('loss', 600);
  books.take('refund', 800);
  books.giveBack(1);
  expect(standing(books).sums).toEqual({ [cash]: 400, earned: -333, unearned: -67 });
});

it('whatever takes and comes back, in any order', () => {
  const step = fc.oneof(
    fc.record({ take: fc.constantFrom<Kind>('refund', 'loss'), amount: fc.integer({ min: 1, max: charge }) }),
    fc.record({ back: fc.nat({ max: 5 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), fc.boolean(), (steps, isApplied) => {
      const books = new Books(isApplied);
      const before = standingOf(books, isApplied);
      const check = () => {
        const { unearned, credit, receivable } = fundOf(books.state, 'p');
        const left = Math.max(0, unearned - receivable) + credit - books.sum('unapplied');
        expect(left).toBeLessThanOrEqual(Math.max(0, charge - books.gone));
        expect([books.sum('allowances') >= 0, books.sum('written_off') >= 0]).toEqual([true, true]);
      };
      for (const one of steps) {
        if ('take' in one) books.take(one.take, one.amount);
        else books.giveBack(one.back);
        check();
      }
      while (books.takings.length > 0) {
        books.giveBack(0);
        check();
      }
      expect(standingOf(books, isApplied)).toEqual(before);
    }),
    { numRuns: 2_000 },
  );
});
