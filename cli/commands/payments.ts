/** `cli payments` and `cli retry`: looking at payments, what happened to them, and deciding about one. */
import { declineCategories, paymentStatuses } from '../../domain/payment/payment';
import { maxAmount, moneyText } from '../../domain/money';
import {
  idOf,
  instantIn,
  required,
  wholeNumber,
  type CommandGroup,
  type Context,
  type Outcome,
} from '../command';
import { sheet, table, type Row } from '../output';
import { requestPage, listed, pageOptions, pageSynopsis, timelineOf, withMoney } from '../pages';

const columns = ['id', 'status', 'kind', 'customer_id', 'subscription_id', 'amount', 'created_at'];
const attemptColumns = ['number', 'trigger', 'status', 'failure', 'started_at'];
const requestColumns = ['id', 'status', 'refusal', 'attempt', 'requested_at', 'reason'];
const filters = ['status', 'customer-id', 'subscription-id', 'category', 'from', 'to'];
const choices = { status: paymentStatuses, category: declineCategories };

const pathOf = (context: Context): string => `/payments/${idOf(context)}`;
const kept = 'it is kept with the decision';

/** The payment a field a line, its attempts below. */
function shown(answer: Row): Outcome {
  const { attempts = [], ...payment } = answer;
  const refunded = moneyText(Number(payment['refunded_amount']), String(payment['currency']));
  const head = sheet({ ...withMoney(payment), refunded_amount: refunded });
  const lines = (attempts as Row[]).map((row) => ({
    ...row,
    failure: (row['failure'] as { code: string } | null)?.code,
  }));
  return { answer, text: lines.length === 0 ? head : `${head}\n\n${table(lines, attemptColumns)}` };
}

export const paymentCommands: CommandGroup = {
  'payments list': {
    synopsis: `[--status S] [--customer-id ID] [--subscription-id ID] [--category C] [--from T] [--to T] ${pageSynopsis}`,
    text: 'newest first',
    options: [...filters, ...pageOptions],
    async run(context) {
      for (const name of ['from', 'to']) instantIn(context, name);
      return listed(await requestPage(context, '/payments', filters, choices), columns, withMoney);
    },
  },
  'payments show': {
    synopsis: 'ID',
    text: 'with its attempts',
    run: async (context) => shown(await context.call('GET', pathOf(context))),
  },
  'payments timeline': {
    synopsis: `ID ${pageSynopsis}`,
    text: 'what happened to it, oldest first',
    options: pageOptions,
    run: (context) => timelineOf(context, pathOf(context)),
  },
  'payments cancel': {
    synopsis: 'ID --reason TEXT',
    text: 'one that belongs to no subscription’s period',
    options: ['reason'],
    async run(context) {
      const reason = required(context, 'reason', kept);
      return shown(await context.call('POST', `${pathOf(context)}/cancel`, { reason }));
    },
  },
  'payments refund': {
    synopsis: 'ID [--amount MINOR_UNITS] --reason TEXT',
    text: 'all that is left, or an amount such as 250 for 2.50 EUR',
    options: ['amount', 'reason'],
    async run(context) {
      const reason = required(context, 'reason', kept);
      const amount = wholeNumber(context, 'amount', 1, maxAmount);
      const answer = await context.call('POST', `${pathOf(context)}/refunds`, { amount, reason });
      return { answer, text: sheet(withMoney(answer)) };
    },
  },
  retry: {
    synopsis: 'PAYMENT_ID --reason TEXT [--payment-method-id ID]',
    text: 'try a failed payment again now',
    options: ['reason', 'payment-method-id'],
    async run(context) {
      const reason = required(context, 'reason', 'it is kept with the attempt');
      const body = { reason, payment_method_id: context.flags['payment-method-id'] };
      const answer = await context.call('POST', `${pathOf(context)}/retry`, body);
      const { status } = answer['payment'] as Row;
      const asked = `${String(answer['retry_request_id'])} is asked for; the payment is still ${String(status)}.`;
      return {
        answer,
        text: `${asked}\ncli retry-requests ${context.args[0] ?? ''} shows what became of it.`,
      };
    },
  },
  'retry-requests': {
    synopsis: 'PAYMENT_ID [--limit N]',
    text: 'what became of its retries, newest first',
    options: ['limit'],
    run: async (context) =>
      listed(await requestPage(context, `${pathOf(context)}/retry-requests`), requestColumns),
  },
};
