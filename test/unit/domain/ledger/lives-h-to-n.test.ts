/**
 * Lives h to m of the design of the ledger, in its numbers: intervals, quantities, nothing to pay, amounts that cannot
 * be charged, payments of their own, two subscriptions. Life n (opening entries) is a migration's.
 */
import { Story } from '../../../support/ledger/story';

function paidLife(price = 1000, limits = { smallest: 1, step: 1 }): Story {
  const life = new Story(limits);
  life.create({ price });
  life.paid('p1');
  return life;
}

describe('h: yearly 120.00 to monthly 10.00 after 30 days, and back at once', () => {
  function yearThenMonth(): Story {
    const life = new Story();
    life.create({ price: 12_000, days: 365 });
    life.paid('p1');
    expect(life.change(30, { price: 1000, days: 30 })).toBe('U+110 E-9.86 K-100.14');
    return life;
  }

  it('keeps 100.14, and uses it for the way back: 9.86 are charged', () => {
    const life = yearThenMonth();
    expect(life.change(30, { price: 12_000, days: 365, payment: 'p2' })).toBe('H-100.14 K+100.14');
    expect(life.charges('p2')).toBe(986);
    expect(life.paid('p2')).toBe('C+9.86 U-110 H+100.14');
  });

  it('does not let anything else use the credit while the charge is open', () => {
    const life = yearThenMonth();
    life.change(30, { price: 12_000, days: 365, payment: 'p2' });
    expect(life.end(30, 'none')).toBe('U+10 F-10 H+100.14 cK-100.14');
  });

  it('gives the credit back when the charge fails', () => {
    const life = yearThenMonth();
    life.change(30, { price: 12_000, days: 365, payment: 'p2' });
    expect(life.failed('p2', 32)).toBe('H+100.14 K-100.14');
    life.renew('p3');
    expect(life.charges('p3')).toBeNull();
  });

  it('gives back of the year what the month leaves of it', () => {
    const life = yearThenMonth();
    expect(life.end(30, 'prorated')).toBe('U+10 K+100.14 N-110.14');
    expect(life.refunds).toEqual([{ payment: 'p1', amount: 11_014 }]);
  });
});

describe('i: quantity', () => {
  it('from 1 to 3 of 10.00 on day 15, and back at the same instant, keeps 10.00', () => {
    const life = paidLife();
    life.change(15, { price: 3000, payment: 'p2' });
    expect(life.paid('p2')).toBe('C+10 U-5 E-5');
    expect(life.change(15, { price: 1000 })).toBe('U+10 K-10');
    expect(life.end(15, 'prorated')).toBe('U+5 K+10 N-15');
  });
});

describe('j: zero', () => {
  it('keeps what is left of 10.00 on a free plan, and gives it back at the end', () => {
    const life = paidLife();
    expect(life.change(15, { price: 0 })).toBe('U+10 E-5 K-5');
    expect(life.renew('p2')).toBe('');
    expect(life.charges('p2')).toBeNull();
    expect(life.end(40, 'prorated')).toBe('K+5 N-5');
  });

  it('comes back from a free plan with what was kept', () => {
    const life = paidLife();
    life.change(15, { price: 0 });
    life.change(15, { price: 3000, payment: 'p2' });
    expect(life.charges('p2')).toBe(1000);
  });
});

describe('k: below the smallest charge', () => {
  const limits = { smallest: 50, step: 1 };

  it('carries 0.20 that credit leaves to the next charge', () => {
    const life = new Story(limits);
    life.create({ price: 1980 });
    life.paid('p1');
    expect(life.change(0, { price: 1000 })).toBe('U+9.8 K-9.8');
    expect(life.renew('p2')).toBe('R+0.2 E-10 K+9.8');
    expect(life.charges('p2')).toBeNull();
    life.renew('p3');
    expect(life.charges('p3')).toBe(1020);
  });

  it('charges what is too small alone with what is owed, for service still to come too', () => {
    const life = paidLife(1000, limits);
    expect(life.change(0, { price: 1040, how: 'next_renewal' })).toBe('R+0.4 U-0.4');
    life.change(0, { price: 1060, payment: 'p2' });
    expect(life.charges('p2')).toBe(60);
    expect(life.paid('p2')).toBe('C+0.6 R-0.4 U-0.2');
  });

  it('writes off at the end what was too small to be charged', () => {
    const life = new Story(limits);
    life.create({ price: 20 });
    expect(life.charges('p1')).toBeNull();
    life.renew('p2');
    expect(life.end(45, 'prorated')).toBe('R-0.4 U+0.2 E-0.1 W+0.3');
    expect(life.refunds).toEqual([]);
  });

  it('charges in the steps of the currency, and carries the rest', () => {
    const life = paidLife(1005, { smallest: 10, step: 10 });
    expect(life.charges('p1')).toBe(1000);
    life.renewPaid('p2');
    expect(life.charges('p2')).toBe(1010);
    // Half of 1.005 is 0.503; 0.500 can go back.
    expect(life.end(45, 'prorated')).toBe('U+10.05 E-5.02 cK-0.03 N-5');
  });
});

describe('l: payments of their own', () => {
  it('earns them at once, and allows what goes back', () => {
    const life = new Story();
    expect(life.charge('own', 5000)).toBe('C+50 E-50');
    expect(life.refund(1, 'own', 2000)).toBe('N-20 L+20');
    expect(life.settled()).toBe('C-20 N+20');
  });
});

describe('m: several subscriptions', () => {
  function twoSubs(): Story {
    const life = new Story();
    life.create({ id: 'first', price: 3000, payment: 'p1' });
    life.paid('p1');
    life.create({ id: 'a', price: 1000, payment: 'a1' });
    life.paid('a1');
    life.create({ id: 'b', price: 1000, payment: 'b1' });
    life.paid('b1');
    life.change(15, { id: 'first', price: 0 });
    expect(life.end(15, 'none', { id: 'first' })).toBe('K+15 cK-15');
    return life;
  }

  it('use the credit of an ended subscription once', () => {
    const life = twoSubs();
    expect(life.renew('a2', { id: 'a' })).toBe('E-10 cK+10');
    expect(life.renew('b2', { id: 'b' })).toBe('R+5 E-10 cK+5');
    expect(life.charges('b2')).toBe(500);
  });

  it('pay nothing out at their end that came from another one’s payments', () => {
    const life = twoSubs();
    life.renew('a2', { id: 'a' });
    expect(life.end(45, 'prorated', { id: 'a' })).toBe('U+10 E-5 cK-5');
    expect(life.payOut(1000)).toBe('cK+10 N-10');
    expect(life.refunds).toEqual([{ payment: 'p1', amount: 1000 }]);
  });

  it('never pay out what was granted', () => {
    const life = new Story();
    expect(life.grant('sorry', 700)).toBe('cK-7 L+7');
    expect(life.payOut(700)).toBe('');
  });
});
