-- DropIndex
DROP INDEX "subscriptions_next_due_at_idx";

-- AlterTable
ALTER TABLE "payments" ADD COLUMN     "change" JSONB;

-- AlterTable
ALTER TABLE "subscriptions" ADD COLUMN     "anchor_period_index" INTEGER NOT NULL DEFAULT 1,
ADD COLUMN     "paused_from" TEXT,
ADD COLUMN     "trial_days" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "waiting_lines" JSONB NOT NULL DEFAULT '[]';

-- CreateTable
CREATE TABLE "test_clocks" (
    "id" TEXT NOT NULL,
    "now" TIMESTAMPTZ(3) NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'ready',
    "target" TIMESTAMPTZ(3),
    "steps" INTEGER NOT NULL DEFAULT 0,
    "detail" TEXT,
    "deleted_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "test_clocks_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "subscriptions_test_clock_id_idx" ON "subscriptions"("test_clock_id");

-- What Prisma's schema language cannot say.

-- The scheduler reads what is due and was not told for its version. The rest does not weigh on it.
CREATE INDEX "subscriptions_due" ON "subscriptions" ("next_due_at", "id")
  WHERE "next_due_at" IS NOT NULL AND "announced_version" IS DISTINCT FROM "version";

-- A change of interval ends the present period where the new one begins, which may be its very start.
ALTER TABLE "subscription_periods" DROP CONSTRAINT "subscription_periods_forward";
ALTER TABLE "subscription_periods" ADD CONSTRAINT "subscription_periods_not_backward" CHECK ("start" <= "end");

-- CreateTable
CREATE TABLE "renewal_pauses" (
    "id" TEXT NOT NULL DEFAULT 'renewals',
    "actor" JSONB NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "renewal_pauses_pkey" PRIMARY KEY ("id")
);
