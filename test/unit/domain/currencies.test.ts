/** M15: amounts are told with the digits of ISO 4217, whatever the runtime's ICU says, wherever people read them. */
import { readFileSync } from 'node:fs';
import { render } from '../../../bridge/notifications/render';
import { templates } from '../../../bridge/notifications/templates';
import { bulkRetryCommands } from '../../../cli/commands/bulk-retries';
import { paymentCommands } from '../../../cli/commands/payments';
import { planCommands } from '../../../cli/commands/plans';
import type { Row } from '../../../cli/output';
import { trackedFiles } from '../../../dev/tools/tracked-files';
import { currencyCodes, currencyDigits, isCurrency } from '../../../domain/currencies';
import { moneyText } from '../../../domain/money';
import { attemptTitle, refundTitle } from '../../../domain/timeline/titles';

/** 199,000 minor units, by the standard. */
const amounts: [string, number, string][] = [
  ['HUF', 2, '1990.00'],
  ['IDR', 2, '1990.00'],
  ['COP', 2, '1990.00'],
  ['PKR', 2, '1990.00'],
  ['RSD', 2, '1990.00'],
  ['MGA', 2, '1990.00'],
  ['MRU', 2, '1990.00'],
  ['AFN', 2, '1990.00'],
  ['ALL', 2, '1990.00'],
  ['IRR', 2, '1990.00'],
  ['KPW', 2, '1990.00'],
  ['LAK', 2, '1990.00'],
  ['LBP', 2, '1990.00'],
  ['MMK', 2, '1990.00'],
  ['SLE', 2, '1990.00'],
  ['SOS', 2, '1990.00'],
  ['SYP', 2, '1990.00'],
  ['TZS', 2, '1990.00'],
  ['UZS', 2, '1990.00'],
  ['YER', 2, '1990.00'],
  ['TWD', 2, '1990.00'],
  ['EUR', 2, '1990.00'],
  ['USD', 2, '1990.00'],
  ['XCG', 2, '1990.00'],
  ['BGN', 2, '1990.00'],
  ['IQD', 3, '199.000'],
  ['KWD', 3, '199.000'],
  ['BHD', 3, '199.000'],
  ['JOD', 3, '199.000'],
  ['LYD', 3, '199.000'],
  ['OMR', 3, '199.000'],
  ['TND', 3, '199.000'],
  ['CLF', 4, '19.9000'],
  ['UYW', 4, '19.9000'],
  ['JPY', 0, '199000'],
  ['ISK', 0, '199000'],
  ['KRW', 0, '199000'],
  ['CLP', 0, '199000'],
  ['UGX', 0, '199000'],
  ['UYI', 0, '199000'],
  ['XAF', 0, '199000'],
];
const amount = 199_000;

describe('M15 the digits of a currency', () => {
  it.each(amounts)('%s has %i', (code, digits) => {
    expect(currencyDigits(code)).toBe(digits);
  });

  it('are 0, 2, 3 or 4, for each of the codes of ISO 4217 of 2026 and those withdrawn since 2023', () => {
    const having = (digits: number) => currencyCodes.filter((code) => currencyDigits(code) === digits).length;
    expect([0, 1, 2, 3, 4].map(having)).toEqual([17, 0, 139 + 6, 7, 2]);
    expect(new Set(currencyCodes).size).toBe(currencyCodes.length);
    expect(currencyCodes.filter((code) => !/^[A-Z]{3}$/.test(code))).toEqual([]);
  });

  it('belong to currencies in capitals that have a minor unit', () => {
    expect(['EUR', 'JPY', 'CLF'].map(isCurrency)).toEqual([true, true, true]);
    expect(['eur', 'XXQ', '', 'XAU', 'XDR', 'XTS', 'XXX', 'toString'].map(isCurrency)).toEqual(
      Array.from({ length: 8 }, () => false),
    );
  });
});

/** Of a command of the CLI that gets `answer`. */
async function cliText(name: string, answer: Row): Promise<string> {
  const screen = { write: () => undefined, isTerminal: false };
  const watching = { screen, pause: () => Promise.resolve() } as unknown as Parameters<
    typeof bulkRetryCommands
  >[0];
  const commands = { ...paymentCommands, ...planCommands, ...bulkRetryCommands(watching) };
  const context = { args: ['id_1'], flags: {}, isOn: () => false, call: () => Promise.resolve(answer) };
  return (await commands[name]!.run(context)).text;
}

describe('M15 an amount reads the same', () => {
  it.each(amounts)('of %s with %i digits, wherever it is told', async (currency, digits, decimal) => {
    const money = { amount, currency };
    const text = `${decimal} ${currency}`;
    expect(moneyText(amount, currency)).toBe(text);
    expect(moneyText(-amount, currency)).toBe(`-${text}`);
    expect(attemptTitle({ ...money, number: 1, status: 'completed', failure: null })).toContain(text);
    expect(
      refundTitle({ ...money, status: 'succeeded', reason: 'r', failure: null, isGivenUp: false }),
    ).toContain(text);

    const payment = { ...money, id: 'pay_1', refunded_amount: amount };
    expect((await cliText('payments show', payment)).split(text)).toHaveLength(3);
    const plan = { ...money, id: 'p', interval: { unit: 'month', count: 1 } };
    expect(await cliText('plans list', { data: [plan], next_cursor: null })).toContain(text);
    const preview = { count: 1, sums: [money], refusals: [] };
    const bulkRetry = { id: 'b', filter: {}, decision: null, progress: null, preview };
    expect(await cliText('bulk-retry show', bulkRetry)).toContain(text);

    const message = templates.get('payment_recovered')?.read(money);
    const mail = { timeZone: 'UTC', name: null, plan: null };
    for (const language of ['en', 'ru'] as const) {
      const { subject, text: body, html } = render(message!, { ...mail, language });
      const written = new RegExp(`(?<!\\d)${groupedPattern(decimal, digits)}(?![\\d.,])`);
      for (const part of [subject, body, html]) expect(part.replaceAll(/\.(?=\s|<|$)/g, '')).toMatch(written);
    }
  });

  it('with one source of digits: nothing else formats money', () => {
    const sources = trackedFiles('*.ts', '**/*.ts').filter((file) => !file.startsWith('test/'));
    const using = (pattern: RegExp) =>
      sources.filter((file) => pattern.test(readFileSync(file, 'utf8'))).toSorted();
    expect(using(/Intl\.NumberFormat|toLocaleString|style: 'currency'/)).toEqual([
      'bridge/notifications/render.ts',
    ]);
    expect(using(/supportedValuesOf\('currency'\)|maximumFractionDigits \?\?/)).toEqual([]);
  });
});

/** With the signs between groups and before decimals of any locale. */
function groupedPattern(decimal: string, digits: number): string {
  const whole = digits === 0 ? decimal : decimal.slice(0, -digits - 1);
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, '[,\\s\\u00a0\\u202f]?');
  return digits === 0 ? grouped : `${grouped}[.,]${decimal.slice(-digits)}`;
}
