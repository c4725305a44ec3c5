-- CreateTable
CREATE TABLE "customer_erasures" (
    "customer_id" TEXT NOT NULL,
    "step" TEXT,
    "position" JSONB,
    "rows" BIGINT NOT NULL DEFAULT 0,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),
    "next_pass_at" TIMESTAMPTZ(3),

    CONSTRAINT "customer_erasures_pkey" PRIMARY KEY ("customer_id")
);

-- CreateIndex
CREATE INDEX "customer_erasures_next_pass_at_idx" ON "customer_erasures"("next_pass_at");

-- AddForeignKey
ALTER TABLE "customer_erasures" ADD CONSTRAINT "customer_erasures_customer_id_fkey" FOREIGN KEY ("customer_id") REFERENCES "customers"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- What Prisma's schema language cannot say.

-- The kept answers that are about something.
CREATE INDEX "idempotency_keys_subject" ON "idempotency_keys"
  ((coalesce("headers" ->> 'personal_data_of', "headers" ->> 'subject_id')));

-- The bodies of webhooks that name no payment.
CREATE INDEX "webhook_deliveries_without_payment" ON "webhook_deliveries" ("id")
  WHERE "payment_id" IS NULL AND "body" IS NOT NULL;

-- Customers that were erased before there was more than their own rows to it: the bridge completes them.
INSERT INTO "customer_erasures" ("customer_id", "started_at", "next_pass_at")
SELECT "id", "erased_at", CURRENT_TIMESTAMP FROM "customers" WHERE "erased_at" IS NOT NULL;
