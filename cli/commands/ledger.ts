/** `perennial ledger`: what moved the money of a subscription or customer, and what a customer has. */
import { maxAmount, moneyText } from '../../domain/money';
import {
  idOf,
  reasonOption,
  required,
  wholeNumber,
  type Command,
  type CommandGroup,
  type CommandOption,
  type Context,
  type Outcome,
} from '../command';
import { table, type Row } from '../output';
import { line } from '../terminal-text';
import {
  amountOption,
  columnsOf,
  listed,
  pageOptions,
  recordedText,
  requestPage,
  seldomMoney,
  withMoney,
} from '../pages';

const columns = ['at', 'recorded', 'kind', 'account', 'source', 'debit', 'credit', 'transaction'];
const currencyOption: CommandOption = {
  name: 'currency',
  value: 'CODE',
  text: 'such as EUR',
  isRequired: true,
};
const standing = ['receivable', 'unearned', 'credit', 'credit_held'];
const standingColumns = ['subscription_id', 'status', ...standing, 'credit_disputed'];

interface Entry {
  account: string;
  owner: string;
  source: string;
  amount: number;
}

/** An entry a line; what is told of the transaction stands in its first. */
function linesOf(transaction: Row): Row[] {
  const currency = String(transaction['currency']);
  return (transaction['entries'] as Entry[]).map(({ account, owner, source, amount }, at) => ({
    at: at === 0 ? transaction['at'] : '',
    recorded: at === 0 ? recordedText(transaction) : '',
    kind: at === 0 ? transaction['kind'] : '',
    account: owner === 'customer' ? `${account} (customer)` : account,
    source,
    debit: amount > 0 ? moneyText(amount, currency) : '',
    credit: amount < 0 ? moneyText(-amount, currency) : '',
    transaction: at === 0 ? transaction['id'] : '',
  }));
}

const ledgerOf = (kind: 'subscriptions' | 'customers', text: string): Command => ({
  argument: 'ID',
  text,
  options: pageOptions,
  async run(context) {
    const answer = await requestPage(context, `/${kind}/${idOf(context)}/ledger`);
    const lines = (answer['data'] as Row[]).flatMap(linesOf);
    return { ...listed({ ...answer, data: lines }, columns), answer };
  },
});

interface InCurrency {
  currency: string;
  sources: { source: string; amount: number; disputed?: boolean }[];
}

/** A line for each source. */
function linesBySource(money: readonly InCurrency[]): Row[] {
  return money.flatMap(({ currency, sources }) =>
    sources.map(({ source, amount, disputed = false }) => ({
      source,
      amount: moneyText(amount, currency),
      disputed: disputed ? 'disputed: not used' : '',
    })),
  );
}

/** The customer's own credit, what is on its way back to them, then what each living subscription stands at. */
function balanceText(answer: Row): string {
  const credit = linesBySource(answer['credit'] as InCurrency[]);
  const refunding = linesBySource((answer['refunding'] ?? []) as InCurrency[]);
  const subscriptions = (answer['subscriptions'] as Row[]).map((row) => {
    const money = (name: string) => moneyText(Number(row[name]), String(row['currency']));
    const amounts = standing.map((name) => [name, money(name)]);
    return { ...row, ...Object.fromEntries(amounts), ...seldomMoney(row, ['credit_disputed']) };
  });
  const columns = ['source', 'amount', 'disputed'];
  const own = credit.length === 0 ? 'No credit of their own.' : table(credit, columnsOf(credit, columns));
  const back =
    refunding.length === 0
      ? []
      : [`Reserved to go back, and not paid yet:\n${table(refunding, ['source', 'amount'])}`];
  const theirs =
    subscriptions.length === 0
      ? 'No living subscription.'
      : table(subscriptions, columnsOf(subscriptions, standingColumns));
  return [own, ...back, theirs].join('\n\n');
}

async function balance(context: Context): Promise<Outcome> {
  const answer = await context.call('GET', `/customers/${idOf(context)}/balance`);
  return { answer, text: balanceText(answer) };
}

const changeOf = (sign: 1 | -1, text: string): Command => ({
  argument: 'CUSTOMER_ID',
  text,
  options: [{ ...amountOption, isRequired: true }, currencyOption, reasonOption('kept with the transaction')],
  async run(context) {
    const currency = required(context, 'currency', 'such as EUR');
    const reason = required(context, 'reason', 'it is kept with the transaction');
    required(context, 'amount', 'in minor units, such as 250 for 2.50 EUR');
    const amount = sign * (wholeNumber(context, 'amount', 1, maxAmount) ?? 0);
    const body = { amount, currency, reason };
    const answer = await context.call('POST', `/customers/${idOf(context)}/credits`, body);
    const credit = moneyText(Number(answer['credit']), currency);
    return { answer, text: line`${answer['id']}: the customer has ${credit} of credit now.` };
  },
});

async function payOut(context: Context): Promise<Outcome> {
  const currency = required(context, 'currency', 'such as EUR');
  const reason = required(context, 'reason', 'it is kept with the refunds');
  const amount = wholeNumber(context, 'amount', 1, maxAmount);
  const body = { currency, ...(amount === undefined ? {} : { amount }), reason };
  const answer = await context.call('POST', `/customers/${idOf(context)}/payouts`, body);
  const refunds = (answer['refunds'] as Row[]).map((row) => withMoney(row));
  const paid = moneyText(Number(answer['amount']), currency);
  const credit = moneyText(Number(answer['credit']), currency);
  const summary = line`${answer['id']}: ${paid} go back; the customer has ${credit} of credit now.`;
  return { answer, text: `${summary}\n\n${table(refunds, ['id', 'payment_id', 'amount', 'status'])}` };
}

export const ledgerCommands: CommandGroup = {
  'ledger subscription': ledgerOf('subscriptions', 'what moved its money, newest first'),
  'ledger customer': ledgerOf('customers', 'what moved their money, newest first'),
  'ledger balance': {
    argument: 'CUSTOMER_ID',
    text: 'their credit, what is on its way back, and what their subscriptions stand at',
    run: balance,
  },
  'ledger grant': changeOf(1, 'give credit for later charges, such as 250 for 2.50 EUR'),
  'ledger correct': changeOf(-1, 'take credit back'),
  'ledger payout': {
    argument: 'CUSTOMER_ID',
    text: 'pay credit out, through the payments that funded it',
    options: [currencyOption, amountOption, reasonOption('kept with the refunds')],
    run: payOut,
  },
};
