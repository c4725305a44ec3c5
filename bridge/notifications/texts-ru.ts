/** The words of notifications in Russian. */
import type { FinalAction } from '../../domain/retry/policy';
import type { Texts, Told, ToldEnd } from './texts';

const paymentOf = ({ amount, plan }: Told) =>
  plan === null ? `платёж на сумму ${amount}` : `платёж на сумму ${amount} за «${plan}»`;

function ending({ finalAction, finalActionAt }: ToldEnd): string {
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
  payment_failed: (told) => ({
    subject: `Не удалось провести платёж на сумму ${told.amount}`,
    paragraphs: [
      `Нам не удалось провести ${paymentOf(told)}.`,
      told.customerMustAct
        ? 'Повторить списание этим способом оплаты мы не можем: подтвердите его в своём банке или укажите другой.'
        : told.nextAttemptAt === null
          ? 'Сами мы больше не будем повторять списание: укажите, пожалуйста, другой способ оплаты.'
          : `Мы повторим попытку ${told.nextAttemptAt}. Вы также можете указать другой способ оплаты.`,
      ending(told),
    ],
  }),
  final_action_ahead: (told) => ({
    subject: endSubject[told.finalAction](told.finalActionAt),
    paragraphs: [
      `Нам пока не удалось провести ${paymentOf(told)}.`,
      ending(told),
      'Проверьте, пожалуйста, способ оплаты или укажите другой.',
    ],
  }),
  payment_recovered: (told) => ({
    subject: `Платёж на сумму ${told.amount} получен`,
    paragraphs: [`Спасибо! Мы получили ${paymentOf(told)}. Больше ничего делать не нужно.`],
  }),
  final_action_taken: (told) => ({
    subject: ended[told.finalAction].subject,
    paragraphs: [`Нам не удалось провести ${paymentOf(told)}.`, ended[told.finalAction].words],
  }),
};
