-- How far the reconciliation has come with each predicate; a round goes on where the one before it stopped.
CREATE TABLE "reconciliation_passes" (
    "predicate" TEXT NOT NULL,
    "position" JSONB,
    "began_at" TIMESTAMPTZ(3) NOT NULL,
    "found" INTEGER NOT NULL,
    "completed_at" TIMESTAMPTZ(3),
    "found_by_completed" INTEGER,

    CONSTRAINT "reconciliation_passes_pkey" PRIMARY KEY ("predicate")
);

-- What a whole pass has not seen is gone.
ALTER TABLE "stuck_work" ADD COLUMN "seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP;

-- What each predicate goes through, oldest first. All but the living subscriptions are empty, or nearly so, when all is
-- well.
CREATE INDEX "subscriptions_announced" ON "subscriptions" ("next_due_at", "id")
  WHERE "next_due_at" IS NOT NULL AND "announced_version" = "version";
CREATE INDEX "subscriptions_open_payment" ON "subscriptions" ("updated_at", "id") WHERE "open_payment_id" IS NOT NULL;
CREATE INDEX "subscriptions_incomplete" ON "subscriptions" ("updated_at", "id") WHERE "status" = 'incomplete';
CREATE INDEX "subscriptions_paid_change" ON "subscriptions" ("updated_at", "id")
  WHERE "pending_change" ->> 'payment_id' IS NOT NULL;
DROP INDEX "subscriptions_period_over";
CREATE INDEX "subscriptions_period_over" ON "subscriptions" ("period_end", "id")
  WHERE "status" IN ('active', 'past_due', 'paused');
CREATE INDEX "payments_open" ON "payments" ("status", "updated_at", "id")
  WHERE "status" IN ('requested', 'processing', 'requires_action', 'pending', 'unknown');
CREATE INDEX "payments_failed_oldest" ON "payments" ("updated_at", "id") WHERE "status" = 'failed';
CREATE INDEX "payments_unapplied_oldest" ON "payments" ("updated_at", "id") WHERE "unapplied_amount" <> 0;
CREATE INDEX "payments_change_open" ON "payments" ("updated_at", "id")
  WHERE "kind" = 'proration' AND "status" IN ('requested', 'failed');
DROP INDEX "payments_next_notice";
CREATE INDEX "payments_next_notice" ON "payments" ("next_notice_at", "id")
  WHERE "status" = 'failed' AND "next_notice_at" IS NOT NULL;
CREATE INDEX "payment_attempts_open_oldest" ON "payment_attempts" ("started_at", "payment_id", "number")
  WHERE "settled_at" IS NULL;
CREATE INDEX "retry_requests_open_oldest" ON "retry_requests" ("requested_at", "id") WHERE "settled_at" IS NULL;
CREATE INDEX "retry_requests_open_of_bulk" ON "retry_requests" ("bulk_retry_id") WHERE "settled_at" IS NULL;

-- The living, in the order in which their processes are looked for.
CREATE INDEX "subscriptions_living" ON "subscriptions" ("id") WHERE "status" NOT IN ('cancelled', 'expired');
