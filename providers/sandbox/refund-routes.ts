/** Routes of the sandbox provider about refunds. A refund is committed before it is answered. */
import type { Express } from 'express';
import type { Control } from './control';
import type { RefundBook } from './refund-book';
import {
  accepted,
  acceptedId,
  acceptedKey,
  jsonBody,
  optionalJsonBody,
  refundByHand,
  refundListQuery,
  refundRequest,
  refundTurn,
  type RefundRequest,
} from './requests';

export interface RefundDeps {
  refunds: RefundBook;
  control: Control;
  now(): Date;
  newId(): string;
  /** Lets everything happen whose time has come. */
  settleDue(): Promise<void>;
}

export function refundRoutes(app: Express, deps: RefundDeps): void {
  const { refunds, control, now, newId, settleDue } = deps;
  const draftOf = (idempotencyKey: string | null, request: RefundRequest, pending: boolean) => {
    const createdAt = now();
    const failsAt = new Date(createdAt.getTime() + control.settings.pending_ms);
    return { id: `re_${newId()}`, idempotencyKey, request, pending, createdAt, failsAt };
  };

  app.post('/v1/refunds', async (req, res) => {
    const idempotencyKey = acceptedKey(req.get('idempotency-key'));
    const request = accepted(refundRequest, jsonBody(req));
    await control.misbehave();
    await settleDue();
    const draft = draftOf(idempotencyKey, request, control.settings.pending_refunds);
    const { refund, replayed } = await refunds.refund(draft);
    if (replayed) res.set('idempotent-replayed', 'true');
    res.status(201).json(refund);
  });

  app.get('/v1/refunds', async (req, res) => {
    const { charge_id } = accepted(refundListQuery, req.query);
    await control.misbehave();
    await settleDue();
    res.json({ data: await refunds.list(charge_id), has_more: false });
  });

  // What happens at the provider, as a person or a bank there has it: `failure_rate` and `latency_ms` are not for these.
  app.post('/v1/charges/:id/refund', async (req, res) => {
    const charge_id = acceptedId(req.params.id, 'charge');
    const request = { charge_id, ...accepted(refundByHand, optionalJsonBody(req)) };
    const { refund } = await refunds.refund(draftOf(null, request, false));
    res.status(201).json(refund);
  });

  app.post('/v1/refunds/:id', async (req, res) => {
    const id = acceptedId(req.params.id, 'refund');
    const { status } = accepted(refundTurn, jsonBody(req));
    res.json(await refunds.turn(id, status, now()));
  });
}
