/** Two things of different kinds under one id, as rows from before chosen ids were bounded: neither is taken for the other. */
import type { Prisma } from '../../../prisma/generated/client';
import { eventually } from '../../support/eventually';
import { textOfDatabase } from '../../support/table-dump';
import { fixedNow, useApi } from './test-api';

const given = useApi();
const terms = { amount: 1000, currency: 'EUR', interval_unit: 'month', interval_count: 1 };
let letters = 1_000n;

interface About {
  /** Of the audit log: calls that are about it. */
  calls: readonly [action: string, status: number][];
  subjectType: string;
  topic: string;
}

/** Every kind of row that names what it is about by its id, each with a text of its own. */
async function writeRowsAbout(id: string, whose: string, { calls, subjectType, topic }: About) {
  const marks: string[] = [];
  const mark = (what: string): string => {
    const text = `${what}-of-${whose}-${id}`;
    marks.push(text);
    return text;
  };
  const actor = (what: string) => ({ kind: 'api_key', id: 'key_1', reason: mark(what) });
  const { db } = given;
  await db.auditLog.createMany({
    data: calls.map(([action, status], at) => ({
      actor: actor(`audit${at}`),
      action,
      subject_id: id,
      request_id: 'r-1',
      status,
    })),
  });
  // Operators are asked nothing about a customer.
  if (subjectType !== 'customer') {
    const task = { subject_type: subjectType, subject_id: id, detail: mark('task') };
    await db.operatorTask.create({ data: { id: `opt_${whose}_${id}`, kind: 'stuck_work', ...task } });
  }
  await db.commandText.create({
    data: {
      id: `${whose} ${id}`,
      subject_type: subjectType,
      subject_id: id,
      texts: { reason: mark('command') },
    },
  });
  const kept = {
    api_key_id: 'key_1',
    request_hash: 'x',
    lease_until: fixedNow,
    lease_holder: 'x',
    status: 200,
  };
  await db.idempotencyKey.create({
    data: {
      ...kept,
      key: `${whose} ${id}`,
      headers: { subject_id: id, subject_type: subjectType, headers: {} },
      body: JSON.stringify({ reason: mark('answer') }),
    },
  });
  const eventId = topic === 'notifications.requested' ? `no_template/${id}` : `${whose}/${id}`;
  await db.outboxEvent.create({
    data: {
      event_id: eventId,
      topic,
      key: id,
      shard: 1,
      subject: id,
      payload: JSON.stringify({ data: { reason: mark('event') } }),
    },
  });
  letters += 1n;
  await db.deadLetter.create({
    data: {
      id: `dlr_${whose}_${id}`,
      group: 'payment-service',
      topic,
      partition: 0,
      offset: letters,
      key: id,
      value: Buffer.from(`{"reason":"${mark('letter')}"}`),
      headers: {},
      error: 'x',
      error_code: 'invalid_data',
    },
  });
  return { marks, eventId };
}

const ofCustomers: About = {
  calls: [
    ['PATCH /customers/{customer_id}', 200],
    ['POST /customers/{customer_id}/payment-methods', 422],
    ['POST /customers', 201],
  ],
  subjectType: 'customer',
  topic: 'notifications.requested',
};

const others = {
  payment: {
    calls: [
      ['POST /payments/{payment_id}/cancel', 200],
      ['POST /payments', 202],
      ['payments.requested', 202],
    ],
    subjectType: 'payment',
    topic: 'payments.requested',
  },
  subscription: {
    calls: [
      ['PUT /subscriptions/{subscription_id}', 200],
      ['POST /subscriptions', 201],
      ['POST /payments', 409],
    ],
    subjectType: 'subscription',
    topic: 'subscriptions.updated',
  },
} as const satisfies Record<string, About>;
type Other = keyof typeof others;

const created: Record<Other, (id: string, customerId: string) => Promise<unknown>> = {
  payment: (id, customer_id) =>
    given.db.payment.create({
      data: {
        id,
        customer_id,
        kind: 'manual',
        status: 'failed',
        amount: 5,
        currency: 'EUR',
        announced: true,
      },
    }),
  async subscription(id, customer_id) {
    const plan_id = `plan-${id}`;
    await given.db.plan.create({ data: { id: plan_id, name: 'Gold', ...terms } });
    const dates = { billing_anchor: fixedNow, start_at: fixedNow };
    const row = {
      id,
      customer_id,
      plan_id,
      quantity: 1,
      status: 'cancelled',
      time_zone: 'UTC',
      ...terms,
      ...dates,
    };
    await given.db.subscription.create({ data: row satisfies Prisma.SubscriptionUncheckedCreateInput });
  },
};

const foundIn = (text: string, marks: readonly string[]) => marks.filter((mark) => text.includes(mark));
const exported = async (id: string) => (await given.ask('GET', `/customers/${id}/export?limit=100`)).text;

describe.each(['payment', 'subscription'] as const)('a customer and another’s %s with one id', (kind) => {
  const id = `twin-${kind}`;
  const other = `bob-${kind}`;
  let [mine, its]: { marks: string[]; eventId: string }[] = [];

  beforeAll(async () => {
    await given.db.customer.createMany({ data: [{ id }, { id: other }] });
    await created[kind](id, other);
    mine = await writeRowsAbout(id, 'ann', ofCustomers);
    its = await writeRowsAbout(id, 'bob', others[kind]);
  });

  /** What a timeline shows of either: calls, tasks and events. */
  const shown = async (path: string): Promise<string> =>
    (await given.ask('GET', `/${path}/timeline?limit=100`)).text;

  it('have each their own timeline', async () => {
    const ofIt = await shown(`${kind}s/${id}`);
    expect(foundIn(ofIt, its?.marks ?? [])).toEqual(its?.marks.filter((mark) => /^(audit|task)/.test(mark)));
    expect(ofIt).toContain(its?.eventId);
    expect(foundIn(ofIt, mine?.marks ?? [])).toEqual([]);
    const ofCustomer = await shown(`customers/${id}`);
    expect(foundIn(ofCustomer, mine?.marks ?? [])).toEqual(
      mine?.marks.filter((mark) => /^(audit|task)/.test(mark)),
    );
    expect(foundIn(ofCustomer, its?.marks ?? [])).toEqual([]);
    expect(ofCustomer).not.toContain(its?.eventId);
  });

  it('are exported and erased without each other', async () => {
    // Rows of older versions that do not say the kind are nobody's then.
    const old = { id: `old ${id}`, subject_id: id, texts: { reason: 'of-either' } };
    await given.db.commandText.create({ data: old });
    expect(await exported(id)).not.toContain('of-either');
    expect(foundIn(await exported(id), its?.marks ?? [])).toEqual([]);
    // Two have the id of the notification's event, whose template no version knows: it is nobody's.
    const certain = (mine?.marks ?? []).filter((mark) => !mark.startsWith('event'));
    expect(foundIn(await exported(id), mine?.marks ?? [])).toEqual(certain);
    expect(foundIn(await exported(other), its?.marks ?? [])).toEqual(its?.marks);
    expect((await given.ask('POST', `/customers/${id}/erase`)).status).toBe(200);
    const left = await textOfDatabase(given.db);
    expect(foundIn(left, its?.marks ?? [])).toEqual(its?.marks);
    expect(foundIn(left, certain)).toEqual([]);
    expect((await given.ask('POST', `/customers/${other}/erase`)).status).toBe(200);
    await eventually(
      'the other erasure',
      async () => foundIn(await textOfDatabase(given.db), its?.marks ?? []).length === 0,
    );
  });
});

test('a customer’s id that is a word of providers finds only what says that it is a customer’s', async () => {
  await given.db.customer.create({ data: { id: 'card' } });
  const bodies: [body: string, isTheirs: boolean][] = [
    ['{"type":"card","note":"a-type"}', false],
    ['{"customer_id" : "card-2","note":"another"}', false],
    ['{"customer":{"card":"x","type":"card"},"note":"within"}', false],
    ['{"customer": "card","note":"named"}', true],
    ['{"metadata":{"customer_id":"card"},"note":"in metadata"}', true],
    ['{"customer":{"object":"customer","id":"card"},"note":"whole"}', true],
    ['{"customers":["x","card"],"note":"listed"}', true],
  ];
  await given.db.webhookDelivery.createMany({
    data: bodies.map(([body], at) => ({
      id: `whd_word_${at}`,
      provider: 'sandbox',
      provider_event_id: `word_${at}`,
      event_type: 'x',
      status: 'ignored',
      body: Buffer.from(body),
      headers: {},
      event: {},
    })),
  });
  const text = await exported('card');
  const ids = bodies.map(([, isTheirs], at) => [`whd_word_${at}`, isTheirs] as const);
  expect(ids.map(([id]) => [id, text.includes(`"${id}"`)])).toEqual(
    ids.map(([id, isTheirs]) => [id, isTheirs]),
  );
});
