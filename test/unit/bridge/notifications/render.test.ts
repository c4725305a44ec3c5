import { render as renderRead, type Reader } from '../../../../bridge/notifications/render';
import { templates } from '../../../../bridge/notifications/templates';
import type { NotificationData, NotificationTemplate } from '../../../../contracts/topics/notifications';

/** A request's template and data. */
type Message = {
  [T in NotificationTemplate]: { template: T; data: NotificationData<T> };
}[NotificationTemplate];
function render({ template, data }: Message, reader: Reader) {
  const message = templates.get(template)?.read(data);
  if (message === null || message === undefined) throw new Error(`the data is not that of ${template}`);
  return renderRead(message, reader);
}

const money = { amount: 123_456, currency: 'EUR' };
const end = { final_action: 'expire', final_action_at: '2027-04-09T11:00:00.000Z' } as const;
const failed: Message = {
  template: 'payment_failed',
  data: {
    ...money,
    ...end,
    attempt: 1,
    customer_must_act: false,
    next_attempt_at: '2027-04-01T06:00:00.000Z',
  },
};
const ada: Reader = { language: 'en', timeZone: 'Europe/Berlin', name: 'Ada', plan: 'Gold' };
const vera: Reader = { language: 'ru', timeZone: 'Europe/Moscow', name: 'Вера', plan: 'Золото' };

/** Which spaces a locale's data breaks lines at differs between versions. */
const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, ' ');
const reported = (message: Message, reader: Reader) => {
  const { subject, text } = render(message, reader);
  return [plain(subject), ...plain(text).trimEnd().split('\n\n')];
};

describe('a notification in words', () => {
  it('says in English what failed, when it is tried again, and what happens else, by the customer’s clock', () => {
    expect(reported(failed, ada)).toEqual([
      'Your payment of €1,234.56 failed',
      'Hello Ada,',
      'We could not take the payment of €1,234.56 for Gold.',
      'We try again on 1 April 2027 at 08:00 CEST. You may also give us another payment method.',
      'If it has not arrived by 9 April 2027 at 13:00 CEST, your subscription ends.',
    ]);
  });

  it('says the same in Russian', () => {
    expect(reported(failed, vera)).toEqual([
      'Не удалось провести платёж на сумму 1 234,56 €',
      'Здравствуйте, Вера!',
      'Нам не удалось провести платёж на сумму 1 234,56 € за «Золото».',
      'Мы повторим попытку 1 апреля 2027 г. в 09:00 GMT+3. Вы также можете указать другой способ оплаты.',
      'Если оплата не поступит до 9 апреля 2027 г. в 14:00 GMT+3, подписка прекратится.',
    ]);
  });

  it('asks the customer to act when no attempt would help, or none is left', () => {
    const { data } = failed;
    const mustAct = { ...data, customer_must_act: true, next_attempt_at: null };
    expect(reported({ template: 'payment_failed', data: mustAct }, ada)[3]).toContain(
      'confirm it with your bank',
    );
    expect(reported({ template: 'payment_failed', data: mustAct }, vera)[3]).toContain('подтвердите его');
    const noneLeft = { ...data, next_attempt_at: null };
    expect(reported({ template: 'payment_failed', data: noneLeft }, ada)[3]).toContain(
      'another payment method',
    );
    expect(reported({ template: 'payment_failed', data: noneLeft }, vera)[3]).toContain('другой способ');
  });

  it.each([
    ['expire', 'Your subscription ends on', 'Подписка прекратится', 'has ended', 'прекращена'],
    ['cancel', 'Your subscription ends on', 'Подписка прекратится', 'has ended', 'прекращена'],
    ['pause', 'Your subscription is paused on', 'будет приостановлена', 'is paused', 'приостановлена'],
    ['leave_past_due', 'We try to take your payment until', 'до 9 апреля', 'still due', 'не оплачен'],
  ] as const)('names the final action %s before and after', (final_action, ahead, впереди, after, потом) => {
    const before: Message = {
      template: 'final_action_ahead',
      data: { ...money, ...end, final_action, days: 3 },
    };
    expect(reported(before, ada)[0]).toContain(ahead);
    expect(reported(before, vera)[0]).toContain(впереди);
    expect(reported(before, ada)[3]).toContain('9 April 2027 at 13:00 CEST');
    const taken: Message = { template: 'final_action_taken', data: { ...money, final_action } };
    expect(reported(taken, ada)[0]).toContain(after);
    expect(reported(taken, vera)[0]).toContain(потом);
  });

  it('thanks for money that came, with or without a name and a plan', () => {
    const recovered: Message = { template: 'payment_recovered', data: money };
    const unnamed = { name: null, plan: null };
    expect(reported(recovered, { ...ada, ...unnamed })).toEqual([
      'Your payment of €1,234.56 has arrived',
      'Hello,',
      'Thank you: we have received the payment of €1,234.56. There is nothing left to do.',
    ]);
    expect(reported(recovered, { ...vera, ...unnamed })[1]).toBe('Здравствуйте!');
  });

  it.each([
    [0, 'EUR', '€0.00'],
    [5, 'EUR', '€0.05'],
    [1000, 'JPY', 'JP¥1,000'],
    [1234, 'KWD', 'KWD 1.234'],
    [999_999_999_999_999, 'EUR', '€9,999,999,999,999.99'],
  ])('writes %i minor units of %s as %s', (amount, currency, wanted) => {
    const recovered: Message = { template: 'payment_recovered', data: { amount, currency } };
    expect(reported(recovered, ada)[0]).toBe(`Your payment of ${wanted} has arrived`);
  });

  it('keeps what a customer calls himself as text in HTML', () => {
    const name = `<script>alert("x")</script> & 'Söhne' ${'a'.repeat(180)}`;
    const { html, text } = render(failed, { ...ada, name, plan: '<b>Gold</b>' });
    expect(html).toContain(
      '<p>Hello &lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;Söhne&#39; aaaa',
    );
    expect(html).toContain('for &lt;b&gt;Gold&lt;/b&gt;.</p>');
    expect(html.match(/<(?!\/?(?:html|head|meta|title|body|p)\b|!doctype)/g)).toBeNull();
    expect(text).toContain(name);
    expect(render(failed, vera).html).toContain('<html lang="ru">');
  });
});
