import { readFailureHistory } from '../../../cli/failure-history';

const header = 'payment_id,attempted_at,outcome,payment_method_id,network,time_zone';
const mistakesOf = (...lines: string[]) =>
  readFailureHistory(lines.join('\n')).mistakes.map(({ line, message }) => `${line}: ${message}`);

test('a history is read: attempts in order, payments by their first failure, what is left out has its default', () => {
  const csv = [
    '\ufeffoutcome,payment_id,attempted_at,network',
    'completed,"b, the second",2027-03-05T10:00:00+02:00,Visa',
    'do_not_honor,"b, the second",2027-03-02T00:00:00Z,Visa',
    'expired_card,a,2027-03-01T00:00:00Z,',
    '',
  ].join('\r\n');
  const method = (payment: string) => ({ payment_method_id: `of ${payment}` });
  expect(readFailureHistory(csv)).toEqual({
    mistakes: [],
    payments: [
      {
        payment_id: 'a',
        time_zone: 'UTC',
        attempts: [
          { at: '2027-03-01T00:00:00.000Z', outcome: 'expired_card', network: null, ...method('a') },
        ],
      },
      {
        payment_id: 'b, the second',
        time_zone: 'UTC',
        attempts: [
          {
            at: '2027-03-02T00:00:00.000Z',
            outcome: 'do_not_honor',
            network: 'visa',
            ...method('b, the second'),
          },
          {
            at: '2027-03-05T08:00:00.000Z',
            outcome: 'completed',
            network: 'visa',
            ...method('b, the second'),
          },
        ],
      },
    ],
  });
});

const good = 'a,2027-03-01T00:00:00Z,do_not_honor,card-1,visa,Europe/Moscow';

test.each<[string, string[], string]>([
  ['an empty file', [''], '1: the column payment_id is missing'],
  ['a missing column', ['payment_id,attempted_at'], '1: the column outcome is missing'],
  [
    'an unknown column',
    [`${header},amount`, `${good},1`],
    '1: "amount" is not a column; known are payment_id',
  ],
  ['a column twice', [`${header},outcome`, `${good},1`], '1: the column outcome is there twice'],
  ['nothing below the header', [header], '1: there is no attempt below the header'],
  ['too few fields', [header, good, 'a,b'], '3: has 2 fields, and the header has 6'],
  ['an open quote', [header, good, '"a,b'], '3: a quote is not closed'],
  ['no id', [header, good.replace('a,', ',')], '2: payment_id is empty'],
  ['no instant', [header, good.replace('T00:00:00Z', '')], '2: attempted_at must be an RFC 3339 instant'],
  [
    'an unknown outcome',
    [header, good.replace('do_not_honor', 'no')],
    '2: outcome must be completed, or one of',
  ],
  ['an unknown zone', [header, good.replace('Moscow', 'Olympus')], '2: time_zone must be a time zone'],
  [
    'a payment that did not fail',
    [header, good.replace('do_not_honor', 'completed')],
    '2: the first attempt of a',
  ],
  [
    'an attempt after success',
    [
      header,
      good,
      good.replace('-01T', '-02T').replace('do_not_honor', 'completed'),
      good.replace('-01T', '-03T'),
    ],
    '4: a was completed before (line 3)',
  ],
  ['one attempt twice', [header, good, good], '3: a has two attempts at one instant (line 2)'],
  [
    'two zones of a payment',
    [header, good, good.replace('-01T', '-02T').replace('Moscow', 'Berlin')],
    '3: a has another time_zone than before (line 2)',
  ],
])('%s is told with its line', (_name, lines, mistake) => {
  expect(mistakesOf(...lines)[0]).toContain(mistake);
});

test('every mistake is told', () => {
  expect(mistakesOf(header, 'a,b,c,d,e,f', good, 'b,2027-03-01,do_not_honor,,,')).toEqual([
    expect.stringContaining('2: attempted_at'),
    expect.stringContaining('2: outcome'),
    expect.stringContaining('2: time_zone'),
    expect.stringContaining('4: attempted_at'),
  ]);
});
