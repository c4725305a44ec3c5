-- AlterTable
ALTER TABLE "retry_requests" ADD COLUMN     "bulk_retry_id" TEXT;

-- CreateTable
CREATE TABLE "bulk_retries" (
    "id" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "filter" JSONB NOT NULL,
    "reason" TEXT NOT NULL,
    "actor" JSONB NOT NULL,
    "rate_per_second" INTEGER NOT NULL,
    "preview" JSONB,
    "total" INTEGER NOT NULL DEFAULT 0,
    "released" INTEGER NOT NULL DEFAULT 0,
    "decision" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "bulk_retries_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "bulk_retry_payments" (
    "bulk_retry_id" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "payment_id" TEXT NOT NULL,

    CONSTRAINT "bulk_retry_payments_pkey" PRIMARY KEY ("bulk_retry_id","position")
);

-- CreateIndex
CREATE INDEX "retry_requests_bulk_retry_id_status_idx" ON "retry_requests"("bulk_retry_id", "status");

-- CreateIndex
CREATE INDEX "bulk_retries_created_at_id_idx" ON "bulk_retries"("created_at", "id");

-- CreateIndex
CREATE INDEX "bulk_retry_payments_payment_id_idx" ON "bulk_retry_payments"("payment_id");

-- AddForeignKey
ALTER TABLE "bulk_retry_payments" ADD CONSTRAINT "bulk_retry_payments_bulk_retry_id_fkey" FOREIGN KEY ("bulk_retry_id") REFERENCES "bulk_retries"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- What Prisma's schema language cannot say.

-- Those that are not over are few, whatever the number of payments.
CREATE INDEX "bulk_retries_unfinished" ON "bulk_retries" ("updated_at") WHERE "status" IN ('running', 'paused');

-- What a filter of a bulk retry selects from.
CREATE INDEX "payments_failed" ON "payments" ("id") WHERE "status" = 'failed';
