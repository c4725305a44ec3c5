-- CreateTable
CREATE TABLE "webhook_deliveries" (
    "id" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "provider_event_id" TEXT NOT NULL,
    "event_type" TEXT NOT NULL,
    "payment_id" TEXT,
    "body" BYTEA,
    "headers" JSONB NOT NULL,
    "event" JSONB NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'stored',
    "outcome" TEXT,
    "replays" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "processed_at" TIMESTAMPTZ(3),

    CONSTRAINT "webhook_deliveries_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "webhook_deliveries_provider_provider_event_id_key" ON "webhook_deliveries"("provider", "provider_event_id");

-- CreateIndex
CREATE INDEX "webhook_deliveries_created_at_id_idx" ON "webhook_deliveries"("created_at", "id");

-- CreateIndex
CREATE INDEX "webhook_deliveries_payment_id_idx" ON "webhook_deliveries"("payment_id");

-- CreateIndex
CREATE INDEX "payment_attempts_provider_reference_idx" ON "payment_attempts"("provider_reference");

-- What Prisma's schema language cannot say.

-- Reconciliation looks for what was stored and not processed. The rest does not weigh on it.
CREATE INDEX "webhook_deliveries_unprocessed" ON "webhook_deliveries" ("created_at") WHERE "status" = 'stored';

-- Whoever forgets old bodies reads only rows that still have one.
CREATE INDEX "webhook_deliveries_with_body" ON "webhook_deliveries" ("created_at") WHERE "body" IS NOT NULL;

ALTER TABLE "webhook_deliveries" ADD CONSTRAINT "webhook_deliveries_status"
  CHECK ("status" IN ('stored', 'processed', 'ignored', 'failed'));
