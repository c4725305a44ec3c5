-- AlterTable
ALTER TABLE "payments" ADD COLUMN     "next_notice_at" TIMESTAMPTZ(3);

-- CreateTable
CREATE TABLE "notifications" (
    "id" TEXT NOT NULL,
    "event_id" TEXT NOT NULL,
    "template" TEXT NOT NULL,
    "customer_id" TEXT NOT NULL,
    "subscription_id" TEXT,
    "payment_id" TEXT,
    "channel" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'sending',
    "reason" TEXT,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "lease_until" TIMESTAMPTZ(3),
    "message_id" TEXT,
    "requested_at" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "sent_at" TIMESTAMPTZ(3),

    CONSTRAINT "notifications_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "notifications_event_id_key" ON "notifications"("event_id");

-- CreateIndex
CREATE INDEX "notifications_created_at_id_idx" ON "notifications"("created_at", "id");

-- CreateIndex
CREATE INDEX "notifications_customer_id_created_at_idx" ON "notifications"("customer_id", "created_at");

-- CreateIndex
CREATE INDEX "notifications_subscription_id_created_at_idx" ON "notifications"("subscription_id", "created_at");

-- What Prisma's schema language cannot say.

-- Reconciliation and test clocks look for reminders that are due.
CREATE INDEX "payments_next_notice" ON "payments" ("next_notice_at")
  WHERE "status" = 'failed' AND "next_notice_at" IS NOT NULL;

ALTER TABLE "notifications" ADD CONSTRAINT "notifications_status"
  CHECK ("status" IN ('sending', 'sent', 'skipped', 'failed'));
