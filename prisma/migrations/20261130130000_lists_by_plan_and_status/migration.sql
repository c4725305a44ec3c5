-- Lists by plan and status: without it all subscriptions of the status are read.
CREATE INDEX "subscriptions_plan_not_active" ON "subscriptions" ("plan_id", "status", "created_at", "id")
  WHERE "status" <> 'active';
