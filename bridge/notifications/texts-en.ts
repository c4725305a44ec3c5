/** The words of notifications in English. */
import type { FinalAction } from '../../domain/retry/policy';
import type { Format, Money, Texts } from './texts';

const paymentOf = (money: Money, { amount, plan }: Format) =>
  plan === null ? `the payment of ${amount(money)}` : `the payment of ${amount(money)} for ${plan}`;

function ending(finalAction: FinalAction, finalActionAt: string): string {
  switch (finalAction) {
    case 'expire':
    case 'cancel':
      return `If it has not arrived by ${finalActionAt}, your subscription ends.`;
    case 'pause':
      return `If it has not arrived by ${finalActionAt}, your subscription is paused.`;
    case 'leave_past_due':
      return `After ${finalActionAt} we do not try again by ourselves, and the payment remains due.`;
  }
}

const endSubject: Record<FinalAction, (at: string) => string> = {
  expire: (at) => `Your subscription ends on ${at} unless we receive your payment`,
  cancel: (at) => `Your subscription ends on ${at} unless we receive your payment`,
  pause: (at) => `Your subscription is paused on ${at} unless we receive your payment`,
  leave_past_due: (at) => `We try to take your payment until ${at}`,
};

const ended: Record<FinalAction, { subject: string; words: string }> = {
  expire: { subject: 'Your subscription has ended', words: 'Your subscription has ended.' },
  cancel: { subject: 'Your subscription has ended', words: 'Your subscription has ended.' },
  pause: { subject: 'Your subscription is paused', words: 'Your subscription is paused.' },
  leave_past_due: {
    subject: 'Your payment is still due',
    words: 'We do not try again by ourselves. The payment remains due.',
  },
};

export const english: Texts = {
  locale: 'en-GB',
  greeting: (name) => (name === null ? 'Hello,' : `Hello ${name},`),
  texts: {
    payment_failed: (data, format) => ({
      subject: `Your payment of ${format.amount(data)} failed`,
      paragraphs: [
        `We could not take ${paymentOf(data, format)}.`,
        data.customer_must_act
          ? 'We cannot try again with this payment method: please confirm it with your bank, or give us another one.'
          : data.next_attempt_at === null
            ? 'We do not try again by ourselves: please give us another payment method.'
            : `We try again on ${format.instant(data.next_attempt_at)}. You may also give us another payment method.`,
        ending(data.final_action, format.instant(data.final_action_at)),
      ],
    }),
    final_action_ahead: (data, format) => ({
      subject: endSubject[data.final_action](format.instant(data.final_action_at)),
      paragraphs: [
        `We have not been able to take ${paymentOf(data, format)}.`,
        ending(data.final_action, format.instant(data.final_action_at)),
        'Please check your payment method, or give us another one.',
      ],
    }),
    payment_recovered: (data, format) => ({
      subject: `Your payment of ${format.amount(data)} has arrived`,
      paragraphs: [`Thank you: we have received ${paymentOf(data, format)}. There is nothing left to do.`],
    }),
    final_action_taken: (data, format) => ({
      subject: ended[data.final_action].subject,
      paragraphs: [`We could not take ${paymentOf(data, format)}.`, ended[data.final_action].words],
    }),
  },
};
