/** Routes of the sandbox provider about disputes: what customers' banks do there, and what came of it. */
import type { Express } from 'express';
import type { DisputeBook } from './dispute-book';
import {
  accepted,
  acceptedId,
  disputeListQuery,
  disputeRequest,
  disputeTurn,
  jsonBody,
  optionalJsonBody,
} from './requests';

export interface DisputeDeps {
  disputes: DisputeBook;
  now(): Date;
  newId(): string;
  /** Lets everything happen whose time has come. */
  settleDue(): Promise<void>;
}

export function disputeRoutes(app: Express, { disputes, now, newId, settleDue }: DisputeDeps): void {
  app.post('/v1/charges/:id/dispute', async (req, res) => {
    const chargeId = acceptedId(req.params.id, 'charge');
    const request = accepted(disputeRequest, optionalJsonBody(req));
    res.json(await disputes.open({ id: `dp_${newId()}`, chargeId, ...request, createdAt: now() }));
  });

  app.post('/v1/disputes/:id', async (req, res) => {
    const id = acceptedId(req.params.id, 'dispute');
    const { status } = accepted(disputeTurn, jsonBody(req));
    res.json(await disputes.turn(id, status, now()));
  });

  app.get('/v1/disputes', async (req, res) => {
    const { charge_id } = accepted(disputeListQuery, req.query);
    await settleDue();
    res.json({ data: await disputes.list(charge_id), has_more: false });
  });
}
