/** The words of notifications in English. */
import type { FinalAction } from '../../domain/retry/policy';
import type { Texts, PaymentFacts, EndFacts } from './texts';

const paymentOf = ({ amount, plan }: PaymentFacts) =>
  plan === null ? `the payment of ${amount}` : `the payment of ${amount} for ${plan}`;

function ending({ finalAction, finalActionAt }: EndFacts): string {
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
  payment_failed: (facts) => ({
    subject: `Your payment of ${facts.amount} failed`,
    paragraphs: [
      `We could not take ${paymentOf(facts)}.`,
      facts.customerMustAct
        ? 'We cannot try again with this payment method: please confirm it with your bank, or give us another one.'
        : facts.nextAttemptAt === null
          ? 'We do not try again by ourselves: please give us another payment method.'
          : `We try again on ${facts.nextAttemptAt}. You may also give us another payment method.`,
      ending(facts),
    ],
  }),
  final_action_ahead: (facts) => ({
    subject: endSubject[facts.finalAction](facts.finalActionAt),
    paragraphs: [
      `We have not been able to take ${paymentOf(facts)}.`,
      ending(facts),
      'Please check your payment method, or give us another one.',
    ],
  }),
  payment_recovered: (facts) => ({
    subject: `Your payment of ${facts.amount} has arrived`,
    paragraphs: [`Thank you: we have received ${paymentOf(facts)}. There is nothing left to do.`],
  }),
  final_action_taken: (facts) => ({
    subject: ended[facts.finalAction].subject,
    paragraphs: [`We could not take ${paymentOf(facts)}.`, ended[facts.finalAction].words],
  }),
};
