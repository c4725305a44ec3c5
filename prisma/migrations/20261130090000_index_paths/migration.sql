-- The scheduler walks past no customers of test clocks that stand still.
DROP INDEX "subscriptions_due";
CREATE INDEX "subscriptions_due" ON "subscriptions" ("next_due_at", "id")
  WHERE "next_due_at" IS NOT NULL AND "announced_version" IS DISTINCT FROM "version" AND "test_clock_id" IS NULL;

-- Lists, newest first, with each of their filters. What nearly every row has is found among all soon enough.
DROP INDEX "subscriptions_plan_id_idx";
CREATE INDEX "subscriptions_plan_id_created_at_id_idx" ON "subscriptions" ("plan_id", "created_at", "id");
CREATE INDEX "subscriptions_not_active" ON "subscriptions" ("status", "created_at", "id") WHERE "status" <> 'active';
CREATE INDEX "payments_not_completed" ON "payments" ("status", "created_at", "id") WHERE "status" <> 'completed';
CREATE INDEX "webhook_deliveries_provider_created_at_id_idx"
  ON "webhook_deliveries" ("provider", "created_at", "id");
CREATE INDEX "webhook_deliveries_not_processed" ON "webhook_deliveries" ("status", "created_at", "id")
  WHERE "status" <> 'processed';
CREATE INDEX "operator_tasks_created_at_id_idx" ON "operator_tasks" ("created_at", "id");
CREATE INDEX "operator_tasks_status_created_at_id_idx" ON "operator_tasks" ("status", "created_at", "id");
CREATE INDEX "operator_tasks_kind_created_at_id_idx" ON "operator_tasks" ("kind", "created_at", "id");
CREATE INDEX "dead_letters_status_created_at_id_idx" ON "dead_letters" ("status", "created_at", "id");
CREATE INDEX "dead_letters_group_created_at_id_idx" ON "dead_letters" ("group", "created_at", "id");
CREATE INDEX "notifications_not_sent" ON "notifications" ("status", "created_at", "id") WHERE "status" <> 'sent';
CREATE INDEX "audit_log_action_id_idx" ON "audit_log" ("action", "id");

-- Payments by the category of a failure: in the words of the list's query, whose parameter names the field.
CREATE INDEX "payment_attempts_category" ON "payment_attempts" (("failure" #> ARRAY['category']), "payment_id")
  WHERE "failure" IS NOT NULL;
-- How many rows there are of them decides which way is shorter; the statistics of partial indexes are not looked at.
CREATE STATISTICS "subscriptions_paid_change_share" ON ("pending_change" ->> 'payment_id') FROM "subscriptions";
CREATE STATISTICS "payment_attempts_category_share" ON ("failure" #> ARRAY['category']) FROM "payment_attempts";
