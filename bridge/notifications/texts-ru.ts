/** The words of notifications in Russian. */
import type { FinalAction } from '../../domain/retry/policy';
import type { Format, Money, Texts } from './texts';

const paymentOf = (money: Money, { amount, plan }: Format) =>
  plan === null ? `платёж на сумму ${amount(money)}` : `платёж на сумму ${amount(money)} за «${plan}»`;

function ending(finalAction: FinalAction, finalActionAt: string): string {
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
  texts: {
    payment_failed: (data, format) => ({
      subject: `Не удалось провести платёж на сумму ${format.amount(data)}`,
      paragraphs: [
        `Нам не удалось провести ${paymentOf(data, format)}.`,
        data.customer_must_act
          ? 'Повторить списание этим способом оплаты мы не можем: подтвердите его в своём банке или укажите другой.'
          : data.next_attempt_at === null
            ? 'Сами мы больше не будем повторять списание: укажите, пожалуйста, другой способ оплаты.'
            : `Мы повторим попытку ${format.instant(data.next_attempt_at)}. Вы также можете указать другой способ оплаты.`,
        ending(data.final_action, format.instant(data.final_action_at)),
      ],
    }),
    final_action_ahead: (data, format) => ({
      subject: endSubject[data.final_action](format.instant(data.final_action_at)),
      paragraphs: [
        `Нам пока не удалось провести ${paymentOf(data, format)}.`,
        ending(data.final_action, format.instant(data.final_action_at)),
        'Проверьте, пожалуйста, способ оплаты или укажите другой.',
      ],
    }),
    payment_recovered: (data, format) => ({
      subject: `Платёж на сумму ${format.amount(data)} получен`,
      paragraphs: [`Спасибо! Мы получили ${paymentOf(data, format)}. Больше ничего делать не нужно.`],
    }),
    final_action_taken: (data, format) => ({
      subject: ended[data.final_action].subject,
      paragraphs: [`Нам не удалось провести ${paymentOf(data, format)}.`, ended[data.final_action].words],
    }),
  },
};
