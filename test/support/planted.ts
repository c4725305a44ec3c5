/** A customer whose every personal column holds a value that is nowhere else. */
import type { TestApi } from '../integration/api/test-api';

export interface Planted {
  id: string;
  subscriptionId: string;
  paymentId: string;
  /** What must be in an export, and nowhere after an erasure. */
  values: string[];
}

const at = new Date('2027-01-10T12:00:00.000Z');
const money = { amount: 1000, currency: 'EUR' };
let letters = 0n;

/** Writes, by the API and as the services write it, all that is kept about one customer. */
export async function plant(api: TestApi, id: string): Promise<Planted> {
  const values: string[] = [];
  const secret = (what: string): string => {
    const value = `${what}-of-${id}-kept`;
    values.push(value);
    return value;
  };
  const [subscriptionId, paymentId, planId] = [`sub_${id}`, `pay_${id}`, `plan_${id}`];
  const actorFor = (what: string) => ({ kind: 'api_key', id: 'key_1', reason: secret(what) });
  const body = {
    id,
    email: `${secret('mail')}@example.com`,
    name: secret('name'),
    metadata: { [secret('field')]: secret('metadata') },
  };
  await api.ask('POST', '/customers', { body, key: `create ${id}` });
  const card = { provider: 'sandbox', token: secret('token'), brand: secret('brand') };
  const method = await api.ask('POST', `/customers/${id}/payment-methods`, { body: card, key: `card ${id}` });
  await api.db.paymentMethod.update({
    where: { id: method.body.id },
    data: { provider_customer: secret('provider-customer') },
  });
  const credit = { ...money, reason: secret('credit') };
  await api.ask('POST', `/customers/${id}/credits`, { body: credit, key: `credit ${id}` });

  const { db } = api;
  const charge = { customer_id: id, ...money, reason: secret('charge') };
  const charged = await api.ask('POST', '/payments', { body: charge, key: `charge ${id}` });
  await db.payment.update({ where: { id: charged.body.id }, data: { status: 'cancelled' } });
  await db.plan.create({
    data: { id: planId, name: 'Gold', ...money, interval_unit: 'month', interval_count: 1 },
  });
  await db.subscription.create({
    data: {
      id: subscriptionId,
      customer_id: id,
      plan_id: planId,
      quantity: 1,
      status: 'cancelled',
      ...money,
      interval_unit: 'month',
      interval_count: 1,
      time_zone: 'UTC',
      billing_anchor: at,
      start_at: at,
      metadata: { note: secret('subscription') },
    },
  });
  await db.change.create({
    data: {
      subject_id: subscriptionId,
      version: 1,
      command_id: `create/${id}`,
      changes: ['metadata_changed'],
      previous: { metadata: { note: secret('previous') } },
      actor: actorFor('change'),
      result: { id: subscriptionId, metadata: { note: secret('result') } },
    },
  });
  await db.payment.create({
    data: {
      id: paymentId,
      kind: 'manual',
      status: 'completed',
      customer_id: id,
      subscription_id: subscriptionId,
      ...money,
      announced: true,
      reason: secret('payment'),
      cancel_reason: secret('cancel'),
      change: { command: { actor: actorFor('paid-change'), metadata: { note: secret('paid-metadata') } } },
      attempts: {
        create: {
          number: 1,
          idempotency_key: `${paymentId}/1`,
          trigger: 'manual',
          on_session: false,
          ...money,
          status: 'completed',
          settled_by: 'answer',
          started_at: at,
          settled_at: at,
        },
      },
      refunds: {
        create: {
          id: `rfd_${id}`,
          attempt: 1,
          ...money,
          status: 'succeeded',
          settled_at: at,
          reason: secret('refund'),
          idempotency_key: `refund/${id}`,
          requested_by: actorFor('refund-actor'),
        },
      },
    },
  });
  const claimed = { kind: 'operator', id: secret('claimed') };
  await db.retryRequest.create({
    data: {
      id: `rtr_${id}`,
      payment_id: paymentId,
      reason: secret('retry'),
      actor: { ...actorFor('retry-actor'), claimed },
      status: 'refused',
      bulk_retry_id: `blk_${id}`,
    },
  });
  await db.bulkRetry.create({
    data: {
      id: `blk_${id}`,
      status: 'completed',
      filter: {},
      reason: secret('bulk'),
      actor: actorFor('bulk-actor'),
      rate_per_second: 1,
      selected: { create: { position: 1, payment_id: paymentId } },
    },
  });
  await db.notification.create({
    data: {
      id: `ntf_${id}`,
      event_id: `ntf/${id}`,
      template: 'payment_failed',
      customer_id: id,
      channel: 'smtp',
      status: 'failed',
      reason: `550 ${secret('mailbox')} unknown`,
      requested_at: at,
    },
  });
  await db.operatorTask.create({
    data: {
      id: `tsk_${id}`,
      kind: 'refund_failed',
      subject_type: 'payment',
      subject_id: paymentId,
      detail: secret('task'),
      status: 'resolved',
      resolved_at: at,
      resolution: { actor: actorFor('resolution'), reason: secret('decision'), outcome: null },
    },
  });
  await db.auditLog.create({
    data: {
      actor: actorFor('audit'),
      action: 'DELETE /subscriptions/{subscription_id}',
      subject_id: subscriptionId,
      request_id: 'r-1',
      status: 200,
    },
  });
  await db.commandText.createMany({
    data: [
      { id: `create ${id}`, subject_id: id, texts: { metadata: { note: secret('command-metadata') } } },
      { id: `cancel ${id}`, subject_id: subscriptionId, texts: { reason: secret('command-reason') } },
      { id: `refund ${id}`, subject_id: paymentId, texts: { actor_reason: secret('command-actor') } },
    ],
  });
  await db.idempotencyKey.create({
    data: {
      api_key_id: 'key_1',
      key: `paused ${id}`,
      request_hash: 'x',
      lease_until: at,
      lease_holder: 'x',
      status: 200,
      headers: { subject_id: subscriptionId, headers: {} },
      body: JSON.stringify({ id: subscriptionId, metadata: { note: secret('kept') } }),
    },
  });
  const record = (reason: string, metadata: string) => ({
    specversion: '1.0',
    id: `evt/${id}`,
    source: '/crm',
    type: 'payments.requested.v1',
    time: at.toISOString(),
    data: {
      payment_id: paymentId,
      customer_id: id,
      subscription_id: null,
      ...money,
      payment_method_id: null,
      reason,
      actor: { ...actorFor('event'), claimed },
      metadata: { note: metadata },
    },
  });
  await db.outboxEvent.create({
    data: {
      event_id: `evt/${id}`,
      topic: 'payments.requested',
      key: paymentId,
      shard: 1,
      subject: paymentId,
      payload: JSON.stringify(record(secret('outbox'), secret('outbox-metadata'))),
    },
  });
  const letter = {
    group: 'payment-service',
    topic: 'payments.requested',
    partition: 0,
    error_code: 'invalid_data',
  };
  letters += 2n;
  const noted = { ...record(secret('record'), secret('record-metadata')), note: secret('unknown-field') };
  await db.deadLetter.createMany({
    data: [
      {
        ...letter,
        id: `dlt_${id}`,
        offset: letters,
        key: paymentId,
        value: Buffer.from(JSON.stringify(noted)),
        headers: { 'content-type': 'application/json', 'x-person': secret('record-header') },
        error: `must not be ${secret('record-error')}`,
        status: 'discarded',
        resolved: { at: at.toISOString(), actor: actorFor('letter'), reason: secret('discard') },
      },
      {
        ...letter,
        id: `dlu_${id}`,
        offset: letters + 1n,
        key: null,
        value: Buffer.from(`{"customer":${JSON.stringify(id)}, ${secret('broken')}`),
        headers: {},
        error: 'not JSON',
      },
    ],
  });
  const delivery = { provider: 'sandbox', event_type: 'charge.succeeded', status: 'processed' };
  await db.webhookDelivery.createMany({
    data: [
      {
        ...delivery,
        id: `whd_${id}`,
        provider_event_id: `ev_${id}`,
        payment_id: paymentId,
        body: Buffer.from(secret('body')),
        headers: { 'x-person': secret('header') },
        event: { id: 'ev', unreadable: { reason: secret('unreadable') } },
        outcome: secret('outcome'),
      },
      {
        ...delivery,
        id: `whm_${id}`,
        provider_event_id: `em_${id}`,
        body: Buffer.from(`{"customer":"provider-customer-of-${id}-kept","name":"${secret('mentioned')}"}`),
        headers: {},
        event: { id: 'em' },
      },
    ],
  });
  return { id, subscriptionId, paymentId, values };
}
