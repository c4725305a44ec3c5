/** The words of notifications in Russian. */
import type { FinalAction } from '../../domain/retry/policy';
import type { Texts, PaymentFacts, EndFacts } from './texts';

const paymentOf = ({ amount, plan }: PaymentFacts) =>
  plan === null ? `платёж на сумму ${amount}` : `платёж на сумму ${amount} за «${plan}»`;

function ending({ finalAction, finalActionAt }: EndFacts): string {
  switch (finalAction) {
    case 'expire':
    case 'cancel':
      return `Если оплата не поступит до ${finalActionAt}, подписка прекратится.`;
    case 'pause':
      return `Если оплата не поступит до ${finalActionAt}, подписка будет приостановлена.`;
    case 'leave_past_due':
      return `После ${finalActionAt} мы больше не будем повторять списание сами, задолженность останется.`;
  }
}

const endSubject: Record<FinalAction, (at: string) => string> = {
  expire: (at) => `Подписка прекратится ${at}, если оплата не поступит`,
  cancel: (at) => `Подписка прекратится ${at}, если оплата не поступит`,
  pause: (at) => `Подписка будет приостановлена ${at}, если оплата не поступит`,
  leave_past_due: (at) => `Мы пытаемся провести ваш платёж до ${at}`,
};

const ended: Record<FinalAction, { subject: string; words: string }> = {
  expire: { subject: 'Ваша подписка прекращена', words: 'Подписка прекращена.' },
  cancel: { subject: 'Ваша подписка прекращена', words: 'Подписка прекращена.' },
  pause: { subject: 'Ваша подписка приостановлена', words: 'Подписка приостановлена.' },
  leave_past_due: {
    subject: 'Ваш платёж всё ещё не оплачен',
    words: 'Сами мы больше не будем повторять списание. Задолженность остаётся.',
  },
};

export const russian: Texts = {
  locale: 'ru-RU',
  greeting: (name) => (name === null ? 'Здравствуйте!' : `Здравствуйте, ${name}!`),
  payment_failed: (facts) => ({
    subject: `Не удалось провести платёж на сумму ${facts.amount}`,
    paragraphs: [
      `Нам не удалось провести ${paymentOf(facts)}.`,
      facts.customerMustAct
        ? 'Повторить списание этим способом оплаты мы не можем: подтвердите его в своём банке или укажите другой.'
        : facts.nextAttemptAt === null
          ? 'Сами мы больше не будем повторять списание: укажите, пожалуйста, другой способ оплаты.'
          : `Мы повторим попытку ${facts.nextAttemptAt}. Вы также можете указать другой способ оплаты.`,
      ending(facts),
    ],
  }),
  final_action_ahead: (facts) => ({
    subject: endSubject[facts.finalAction](facts.finalActionAt),
    paragraphs: [
      `Нам пока не удалось провести ${paymentOf(facts)}.`,
      ending(facts),
      'Проверьте, пожалуйста, способ оплаты или укажите другой.',
    ],
  }),
  payment_recovered: (facts) => ({
    subject: `Платёж на сумму ${facts.amount} получен`,
    paragraphs: [`Спасибо! Мы получили ${paymentOf(facts)}. Больше ничего делать не нужно.`],
  }),
  final_action_taken: (facts) => ({
    subject: ended[facts.finalAction].subject,
    paragraphs: [`Нам не удалось провести ${paymentOf(facts)}.`, ended[facts.finalAction].words],
  }),
};
