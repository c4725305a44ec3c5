/** Routes of the sandbox provider about refunds. A refund is committed before it is answered. */
import type { Express } from 'express';
import type { Control } from './control';
import type { RefundBook } from './refund-book';
import { accepted, acceptedKey, jsonBody, refundListQuery, refundRequest } from './requests';

export interface RefundDeps {
  refunds: RefundBook;
  control: Control;
  now(): Date;
  newId(): string;
}

export function refundRoutes(app: Express, { refunds, control, now, newId }: RefundDeps): void {
  app.post('/v1/refunds', async (req, res) => {
    const idempotencyKey = acceptedKey(req.get('idempotency-key'));
    const request = accepted(refundRequest, jsonBody(req));
    control.maybeFail();
    await control.delay();
    const draft = { id: `re_${newId()}`, idempotencyKey, request, createdAt: now() };
    const { refund, replayed } = await refunds.refund(draft);
    if (replayed) res.set('idempotent-replayed', 'true');
    res.status(201).json(refund);
  });

  app.get('/v1/refunds', async (req, res) => {
    const { charge_id } = accepted(refundListQuery, req.query);
    control.maybeFail();
    await control.delay();
    res.json({ data: await refunds.list(charge_id), has_more: false });
  });
}
