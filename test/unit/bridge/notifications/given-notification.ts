/** A notification as it is handed to a notifier. */
import type { OutgoingNotification } from '../../../../bridge/notifications/port';
import { traceOf } from '../../../support/trace';

export const notification: OutgoingNotification = {
  id: 'payment_failed/pay_1/attempt/1',
  messageName: 'ntf_1',
  template: 'payment_failed',
  customer_id: 'cus_1',
  subscription_id: 'sub_1',
  payment_id: 'pay_1',
  to: { email: 'ada@example.com', name: 'Ada, "the first" <programmer>' },
  language: 'en',
  subject: 'Your payment of €10.00 failed',
  text: 'Hello Ada,\n',
  html: '<p>Hello Ada,</p>\n',
  values: { amount: 1000, currency: 'EUR' },
  requestedAt: '2027-03-01T12:00:00.000Z',
  trace: { ...traceOf('7'), tracestate: 'vendor=1' },
};

/** What it is thrown as, in words. */
export const thrownBy = (sending: Promise<unknown>): Promise<{ name: string; message: string }> =>
  sending.then(
    () => ({ name: 'none', message: '' }),
    ({ name, message }: Error) => ({ name, message }),
  );
