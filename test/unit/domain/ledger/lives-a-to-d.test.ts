/** Lives a to d of the design of the ledger, in its numbers. A step's entries are netted for each account. */
import { Story } from '../../../support/ledger/story';

/** 10.00 for 30 days, paid. */
function paidLife(price = 1000): Story {
  const life = new Story();
  life.create({ price });
  life.paid('p1');
  return life;
}

describe('a: a trial, then paid', () => {
  it('opens the first period when the trial ends, and the second with the end of the first', () => {
    const life = new Story();
    expect(life.create({ price: 1000, trialDays: 14 })).toBe('');
    expect(life.renew('p1')).toBe('R+10 U-10');
    expect(life.paid('p1')).toBe('C+10 R-10');
    expect(life.renew('p2')).toBe('R+10 E-10');
    expect(life.paid('p2')).toBe('C+10 R-10');
  });

  it('leaves nothing of a first payment that is declined', () => {
    const life = new Story();
    expect(life.create({ price: 1000 })).toBe('');
    expect(life.failed('p1')).toBe('');
    expect(life.world.balances.size).toBe(0);
  });

  it('opens the first period with its payment, dated at its start, however late it comes', () => {
    const life = new Story();
    life.create({ price: 1000 });
    expect(life.paid('p1', 3)).toBe('C+10 U-10');
    expect(life.change(15, { price: 1000, how: 'next_renewal' })).toBe('U+5 E-5');
  });

  it('returns the credit of the customer that was set aside for a first payment that is declined', () => {
    const life = new Story();
    life.grant('welcome', 400);
    expect(life.create({ price: 1000 })).toBe('H-4 cK+4');
    expect(life.charges('p1')).toBe(600);
    expect(life.failed('p1')).toBe('H+4 cK-4');
  });

  it('pays a first period with the credit that was set aside for it, and the payment', () => {
    const life = new Story();
    life.grant('welcome', 400);
    life.create({ price: 1000 });
    expect(life.paid('p1', 1)).toBe('C+6 U-10 H+4');
  });
});

describe('b: 10.00, to 30.00 on day 15', () => {
  it('charges the difference of what is left and what the rest costs', () => {
    const life = paidLife();
    expect(life.change(15, { price: 3000, payment: 'p2' })).toBe('');
    expect(life.charges('p2')).toBe(1000);
    expect(life.paid('p2')).toBe('C+10 U-5 E-5');
  });

  it('keeps 5.00 when the price goes back on day 22.5: 15.00 of 20.00 is used', () => {
    const life = paidLife();
    life.change(15, { price: 3000, payment: 'p2' });
    life.paid('p2');
    expect(life.change(22.5, { price: 1000 })).toBe('U+12.5 E-7.5 K-5');
    // The renewal earns the last 2.50 and uses the 5.00.
    expect(life.renew('p3')).toBe('R+5 U-7.5 E-2.5 K+5');
    expect(life.charges('p3')).toBe(500);
  });

  it('gives 7.50 of the second payment back when it ends on day 22.5', () => {
    const life = paidLife();
    life.change(15, { price: 3000, payment: 'p2' });
    life.paid('p2');
    expect(life.end(22.5, 'prorated')).toBe('U+15 E-7.5 N-7.5');
    expect(life.refunds).toEqual([{ payment: 'p2', amount: 750 }]);
  });

  it('posts nothing for a charge that stays open and fails', () => {
    const life = paidLife();
    life.change(15, { price: 3000, payment: 'p2' });
    expect(life.failed('p2', 18)).toBe('');
    expect(life.end(15, 'prorated')).toBe('U+10 E-5 N-5');
  });

  it('applies a charge that is paid on day 19 as of day 15', () => {
    const life = paidLife();
    life.change(15, { price: 3000, payment: 'p2' });
    expect(life.paid('p2', 19)).toBe('C+10 U-5 E-5');
    // Earned as if it had been paid at once.
    expect(life.change(22.5, { price: 1000 })).toBe('U+12.5 E-7.5 K-5');
  });

  it('gives a charge back that is paid after its period, instead of keeping it as credit', () => {
    const life = paidLife();
    life.change(15, { price: 3000, payment: 'p2' });
    life.renewPaid('p3');
    expect(life.paid('p2', 31)).toMatch(/^C\+10 .*N-10$/);
    expect(life.refunds).toEqual([{ payment: 'p2', amount: 1000 }]);
    expect(life.settled()).toBe('C-10 N+10');
  });

  it('lets the difference wait for the next renewal', () => {
    const life = paidLife();
    expect(life.change(15, { price: 3000, how: 'next_renewal' })).toBe('R+10 U-5 E-5');
    life.renew('p2');
    expect(life.charges('p2')).toBe(4000);
  });

  it('gives nothing back at a prorated end while more is owed than is left', () => {
    const life = paidLife();
    life.change(15, { price: 3000, how: 'next_renewal' });
    expect(life.end(22.5, 'prorated')).toBe('R-10 U+15 E-7.5 W+2.5');
    expect(life.refunds).toEqual([]);
  });

  it('lowers what is owed by the surplus of another change: nobody paid it, so it is no credit', () => {
    const life = paidLife();
    life.change(15, { price: 3000, how: 'next_renewal' });
    expect(life.change(22.5, { price: 1000, how: 'next_renewal' })).toBe('R-5 U+12.5 E-7.5');
  });

  it('leaves the money of the period alone without proration', () => {
    const life = paidLife();
    expect(life.change(15, { price: 3000, how: 'none' })).toBe('');
    expect(life.end(22.5, 'prorated')).toBe('U+10 E-7.5 N-2.5');
  });
});

/** 100.00, on day 3 to 10.00: 81.00 are kept. */
function lifeWithCredit(): Story {
  const life = paidLife(10_000);
  expect(life.change(3, { price: 1000 })).toBe('U+91 E-10 K-81');
  return life;
}

describe('c: 100.00 to 10.00 on day 3', () => {
  it('pays eight renewals and 1.00 of the ninth with what is kept', () => {
    const life = lifeWithCredit();
    // 9.00 of the first period are earned with the first renewal.
    expect(life.renew('p2')).toBe('U-1 E-9 K+10');
    for (let month = 3; month <= 9; month += 1) {
      expect(life.renew(`p${month}`)).toBe('E-10 K+10');
      expect(life.charges(`p${month}`)).toBeNull();
    }
    expect(life.renew('p10')).toBe('R+9 E-10 K+1');
    expect(life.charges('p10')).toBe(900);
  });

  it('pays two renewals and 3.00 of the third, when it goes to 30.00 instead', () => {
    const life = paidLife(10_000);
    expect(life.change(3, { price: 3000 })).toBe('U+73 E-10 K-63');
    expect(life.renew('p2')).toBe('U-3 E-27 K+30');
    expect(life.renew('p3')).toBe('E-30 K+30');
    life.renew('p4');
    expect(life.charges('p4')).toBe(2700);
  });

  it('counts used units once, however many changes follow', () => {
    const life = lifeWithCredit();
    // On day 18, 4.00 of the 9.00 are left, and the rest costs 8.00.
    expect(life.change(3, { price: 1000 })).toBe('');
    expect(life.change(18, { price: 2000, how: 'next_renewal' })).toBe('R+4 U+1 E-5');
  });
});

describe('d: ends', () => {
  it('without refund keeps the 81.00 for the customer and forfeits the rest of the period', () => {
    const life = lifeWithCredit();
    // 4.00 of days 3 to 15.
    expect(life.end(15, 'none')).toBe('U+9 E-4 F-5 K+81 cK-81');
  });

  it('prorated gives back what is left and what is kept', () => {
    const life = lifeWithCredit();
    expect(life.end(15, 'prorated')).toBe('U+9 E-4 K+81 N-86');
    expect(life.refunds).toEqual([{ payment: 'p1', amount: 8600 }]);
  });

  it('full gives back the whole payment, never more', () => {
    const life = lifeWithCredit();
    expect(life.end(15, 'full')).toBe('U+9 E-4 K+81 N-100 L+14');
    expect(life.refunds).toEqual([{ payment: 'p1', amount: 10_000 }]);
  });

  it.each([
    ['prorated', 'U+10 E-5 K+51 N-56', 5600],
    ['full', 'U+10 E-5 K+51 N-61 L+5', 6100],
  ] as const)(
    '%s, in a month that credit paid, gives back of the payment that funded it',
    (mode, lines, amount) => {
      const life = lifeWithCredit();
      for (const month of [2, 3, 4]) life.renew(`p${month}`);
      expect(life.end(105, mode)).toBe(lines);
      expect(life.refunds).toEqual([{ payment: 'p1', amount }]);
    },
  );

  it.each([
    ['none', 'U+15 E-7.5 F-7.5', []],
    ['prorated', 'U+15 E-7.5 N-7.5', [{ payment: 'p2', amount: 750 }]],
    [
      'full',
      'U+15 E-7.5 N-20 L+12.5',
      [
        { payment: 'p1', amount: 1000 },
        { payment: 'p2', amount: 1000 },
      ],
    ],
  ] as const)('%s, after a change that was paid', (mode, lines, refunds) => {
    const life = paidLife();
    life.change(15, { price: 3000, payment: 'p2' });
    life.paid('p2');
    expect(life.end(22.5, mode)).toBe(lines);
    expect(life.refunds).toEqual(refunds);
  });

  it('full gives back what funds the present period, not what was carried into its payment', () => {
    const life = paidLife();
    life.change(15, { price: 3000, how: 'next_renewal' });
    life.renewPaid('p2');
    expect(life.charges('p2')).toBe(4000);
    expect(life.end(30, 'full')).toBe('U+30 N-30');
    expect(life.refunds).toEqual([{ payment: 'p2', amount: 3000 }]);
  });

  it('counts a scheduled end at its day, however late it is done', () => {
    const prorated = lifeWithCredit();
    expect(prorated.end(30, 'prorated', { runAt: 33 })).toBe('U+9 E-9 K+81 N-81');
    const full = paidLife();
    expect(full.end(30, 'full', { runAt: 33 })).toBe('U+10 E-10 N-10 L+10');
  });

  it('forfeits what was paid for the time of a pause that goes beyond its period', () => {
    const life = paidLife();
    life.pause(12);
    expect(life.resume(40, 'p2')).toBe('R+10 E-4 F-6');
  });

  it('ends during such a pause as if the period had ended by itself', () => {
    const ended = paidLife();
    ended.pause(12);
    expect(ended.end(40, 'none')).toBe('U+10 E-4 F-6');
    const over = paidLife();
    over.pause(12);
    expect(over.over(30)).toBe('U+10 E-4 F-6');
    expect(over.end(40, 'none')).toBe('');
  });

  it('full gives back what was forfeited as well, whether or not the period has ended by itself', () => {
    const ended = paidLife();
    ended.pause(12);
    expect(ended.end(40, 'full')).toBe('U+10 E-4 F-6 N-10 L+10');
    const over = paidLife();
    over.pause(12);
    over.over(30);
    expect(over.end(40, 'full')).toBe('N-10 L+10');
  });
});
