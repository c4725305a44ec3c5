import fc from 'fast-check';
import { isAccountOf } from '../../../../domain/ledger/accounts';
import { addCredit, creditOf, decideCreditChange, removeCredit } from '../../../../domain/ledger/credit';
import { isGrant, rankOf, type CreditPart } from '../../../../domain/ledger/state';
import { maxAmount } from '../../../../domain/money';

const part = (source: string, amount: number): CreditPart => ({ source, amount });
const given = [part('grant/1', 300), part('grant/2', 200), part('pay_1', 400), part('pay_2', 100)];

describe('a change of credit', () => {
  it('grants a source of its own, behind earlier grants and before payments', () => {
    expect(decideCreditChange(given, { transactionId: '3', amount: 50 })).toEqual({
      kind: 'credit_granted',
      entries: [
        { account: 'allowances', source: 'grant/3', amount: 50, owner: 'customer' },
        { account: 'credit', source: 'grant/3', amount: -50, owner: 'customer' },
      ],
      funds: [...given.slice(0, 2), part('grant/3', 50), ...given.slice(2)],
    });
  });

  it('takes grants back first, the newest first', () => {
    expect(decideCreditChange(given, { transactionId: '3', amount: -250 })).toEqual({
      kind: 'credit_corrected',
      entries: [
        { account: 'allowances', source: 'grant/2', amount: -200, owner: 'customer' },
        { account: 'credit', source: 'grant/2', amount: 200, owner: 'customer' },
        { account: 'allowances', source: 'grant/1', amount: -50, owner: 'customer' },
        { account: 'credit', source: 'grant/1', amount: 50, owner: 'customer' },
      ],
      funds: [part('grant/1', 250), part('pay_1', 400), part('pay_2', 100)],
    });
  });

  it('takes the money of payments only when no grant is left, the newest first', () => {
    const decision = decideCreditChange(given, { transactionId: '3', amount: -650 });
    expect(decision).toMatchObject({ kind: 'credit_corrected', funds: [part('pay_1', 350)] });
  });

  it('is refused beyond what there is, and beyond what an amount can be', () => {
    expect(decideCreditChange(given, { transactionId: '3', amount: -1_001 })).toEqual({
      kind: 'refused',
      reason: 'not_enough_credit',
    });
    expect(decideCreditChange(given, { transactionId: '3', amount: maxAmount - 999 })).toEqual({
      kind: 'refused',
      reason: 'too_much_credit',
    });
    const all = decideCreditChange(given, { transactionId: '3', amount: -1_000 });
    expect(all).toMatchObject({ kind: 'credit_corrected', funds: [] });
  });

  it('keeps the books, whatever was granted and taken back before', () => {
    const amounts = fc.array(fc.integer({ min: -1_000, max: 1_000 }).filter((amount) => amount !== 0));
    fc.assert(
      fc.property(amounts, fc.boolean(), (changes, hasPayments) => {
        let funds: CreditPart[] = hasPayments ? [part('pay_1', 700), part('pay_2', 5)] : [];
        changes.forEach((amount, at) => {
          const before = creditOf(funds);
          const decision = decideCreditChange(funds, { transactionId: String(at), amount });
          expect(decision.kind === 'refused').toBe(before + amount < 0);
          if (decision.kind === 'refused') return;
          const { kind, entries } = decision;
          expect(creditOf(decision.funds)).toBe(before + amount);
          expect(decision.funds.every((fund) => fund.amount > 0)).toBe(true);
          expect(
            entries.every(({ amount: moved, account }) => moved !== 0 && isAccountOf(kind, account)),
          ).toBe(true);
          const sumOf = (account: string) => creditOf(entries.filter((entry) => entry.account === account));
          expect([sumOf('allowances'), sumOf('credit')]).toEqual([amount, -amount]);
          const ranks = decision.funds.map(({ source }) => rankOf(source));
          expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
          const paid = (parts: readonly CreditPart[]) =>
            creditOf(parts.filter(({ source }) => !isGrant(source)));
          // Payments are touched only when grants are used up.
          expect(
            paid(decision.funds) === paid(funds) || paid(decision.funds) === creditOf(decision.funds),
          ).toBe(true);
          funds = decision.funds;
        });
      }),
    );
  });
});

describe('a list of credit', () => {
  it('has each source once', () => {
    expect(addCredit(given, part('pay_1', 5))).toEqual([
      ...given.slice(0, 2),
      part('pay_1', 405),
      part('pay_2', 100),
    ]);
    expect(addCredit(given, part('pay_3', 5))).toEqual([...given, part('pay_3', 5)]);
    expect(addCredit(given, part('pay_3', 0))).toEqual(given);
  });

  it('gives no source more than it has', () => {
    expect(removeCredit(given, [part('grant/1', 300), part('pay_1', 1)])).toEqual([
      part('grant/2', 200),
      part('pay_1', 399),
      part('pay_2', 100),
    ]);
    expect(() => removeCredit(given, [part('grant/1', 301)])).toThrow('grant/1 has 1 less credit');
    expect(() => removeCredit(given, [part('pay_9', 1)])).toThrow('pay_9 has 1 less credit');
  });
});
