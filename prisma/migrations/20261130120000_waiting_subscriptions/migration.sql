-- Subscriptions whose processes have something to do: after a lost namespace they are started first.
CREATE INDEX "subscriptions_waiting" ON "subscriptions" ("id")
  WHERE "status" IN ('incomplete', 'past_due', 'scheduled') OR "open_payment_id" IS NOT NULL;
