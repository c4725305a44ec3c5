-- The condition on the id is always true. Without it the index serves statements over `open_payment_id`, too, which
-- read all of it and sort where `subscriptions_open_payment` has their order.
DROP INDEX "subscriptions_waiting";
CREATE INDEX "subscriptions_waiting" ON "subscriptions" ("id")
  WHERE ("status" IN ('incomplete', 'past_due', 'scheduled') OR "open_payment_id" IS NOT NULL) AND "id" <> '';
