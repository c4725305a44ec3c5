-- CreateTable
CREATE TABLE "retry_plans" (
    "payment_id" TEXT NOT NULL,
    "sequence" INTEGER NOT NULL,
    "after_attempt" INTEGER NOT NULL,
    "kind" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "reason" TEXT NOT NULL,
    "final_action" TEXT,
    "policy_id" TEXT NOT NULL,
    "policy_version" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "retry_plans_pkey" PRIMARY KEY ("payment_id","sequence")
);

-- CreateTable
CREATE TABLE "retry_requests" (
    "id" TEXT NOT NULL,
    "payment_id" TEXT NOT NULL,
    "payment_method_id" TEXT,
    "reason" TEXT NOT NULL,
    "actor" JSONB NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'requested',
    "refusal" TEXT,
    "attempt" INTEGER,
    "requested_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "settled_at" TIMESTAMPTZ(3),

    CONSTRAINT "retry_requests_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "retry_requests_payment_id_requested_at_idx" ON "retry_requests"("payment_id", "requested_at");

-- What Prisma's schema language cannot say.

-- What was asked for and not yet judged.
CREATE INDEX "retry_requests_open" ON "retry_requests" ("payment_id", "requested_at") WHERE "settled_at" IS NULL;

-- Budgets count the attempts with one payment method over all payments.
CREATE INDEX "payment_attempts_method" ON "payment_attempts" ("payment_method_id", "started_at");
