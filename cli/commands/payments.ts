/** `perennial payments` and `perennial retry`: looking at payments, what happened to them, and deciding about one. */
import { declineCategories, paymentStatuses } from '../../domain/payment/payment';
import { maxAmount, moneyText } from '../../domain/money';
import {
  idOf,
  instantIn,
  reasonOption,
  required,
  wholeNumber,
  type CommandGroup,
  type CommandOption,
  type Context,
  type Outcome,
} from '../command';
import { sheet, table, type Row } from '../output';
import { line } from '../terminal-text';
import {
  amountOption,
  columnsOf,
  requestPage,
  limitOption,
  listed,
  pageOptions,
  recordedText,
  seldomMoney,
  timelineOf,
  withMoney,
} from '../pages';

/** What of a payment has gone, or may go. */
const gone = ['refunded_amount', 'disputed_amount', 'lost_amount'];
const columns = ['id', 'status', 'kind', 'customer_id', 'subscription_id', 'amount', ...gone, 'created_at'];
const attemptColumns = ['number', 'trigger', 'status', 'failure', 'started_at', 'finished_at', 'recorded'];
const requestColumns = ['id', 'status', 'refusal', 'attempt', 'at', 'requested_at', 'reason'];
const filters: readonly CommandOption[] = [
  { name: 'status', value: 'S', text: 'only these', choices: paymentStatuses },
  { name: 'customer-id', value: 'ID', text: 'of this customer' },
  { name: 'subscription-id', value: 'ID', text: 'of this subscription' },
  { name: 'category', value: 'C', text: 'of the last failure', choices: declineCategories },
  { name: 'from', value: 'T', text: 'created then or later' },
  { name: 'to', value: 'T', text: 'created before' },
];

const pathOf = (context: Context): string => `/payments/${idOf(context)}`;
const kept = 'it is kept with the decision';

/** The payment a field a line, its attempts below. */
function shown(answer: Row): Outcome {
  const { attempts = [], ...payment } = answer;
  const money = (name: string) => moneyText(Number(payment[name] ?? 0), String(payment['currency']));
  const head = sheet({
    ...withMoney(payment),
    ...Object.fromEntries(gone.map((name) => [name, money(name)])),
  });
  const lines = (attempts as Row[]).map((row) => ({
    ...row,
    failure: (row['failure'] as { code: string } | null)?.code,
    recorded: recordedText({ at: row['started_at'], recorded_at: row['started_recorded_at'] }),
  }));
  const shown = table(lines, columnsOf(lines, attemptColumns));
  return { answer, text: lines.length === 0 ? head : `${head}\n\n${shown}` };
}

export const paymentCommands: CommandGroup = {
  'payments list': {
    text: 'payments, newest first',
    options: [...filters, ...pageOptions],
    async run(context) {
      for (const name of ['from', 'to']) instantIn(context, name);
      const lineOf = (row: Row): Row => ({ ...withMoney(row), ...seldomMoney(row, gone) });
      return listed(await requestPage(context, '/payments', filters), columns, lineOf);
    },
  },
  'payments show': {
    argument: 'ID',
    text: 'one, with its attempts',
    run: async (context) => shown(await context.call('GET', pathOf(context))),
  },
  'payments timeline': {
    argument: 'ID',
    text: 'what happened to it, oldest first',
    options: pageOptions,
    run: (context) => timelineOf(context, pathOf(context)),
  },
  'payments cancel': {
    argument: 'ID',
    text: 'end one that belongs to no subscription’s period',
    options: [reasonOption()],
    async run(context) {
      const reason = required(context, 'reason', kept);
      return shown(await context.call('POST', `${pathOf(context)}/cancel`, { reason }));
    },
  },
  'payments refund': {
    argument: 'ID',
    text: 'give back all that is left, or an amount',
    options: [amountOption, reasonOption()],
    async run(context) {
      const reason = required(context, 'reason', kept);
      const amount = wholeNumber(context, 'amount', 1, maxAmount);
      const answer = await context.call('POST', `${pathOf(context)}/refunds`, { amount, reason });
      return { answer, text: sheet(withMoney(answer)) };
    },
  },
  retry: {
    argument: 'PAYMENT_ID',
    text: 'try a failed payment again now',
    options: [
      reasonOption('kept with the attempt'),
      { name: 'payment-method-id', value: 'ID', text: 'charge this one' },
    ],
    async run(context) {
      const reason = required(context, 'reason', 'it is kept with the attempt');
      const body = { reason, payment_method_id: context.flags['payment-method-id'] };
      const answer = await context.call('POST', `${pathOf(context)}/retry`, body);
      const { status } = answer['payment'] as Row;
      const asked = line`${answer['retry_request_id']} is asked for; the payment is still ${status}.`;
      return {
        answer,
        text: `${asked}\n${line`perennial retry-requests ${context.args[0]} shows what became of it.`}`,
      };
    },
  },
  'retry-requests': {
    argument: 'PAYMENT_ID',
    text: 'what became of a payment’s retries, newest first',
    options: [limitOption],
    run: async (context) =>
      listed(await requestPage(context, `${pathOf(context)}/retry-requests`), requestColumns),
  },
};
