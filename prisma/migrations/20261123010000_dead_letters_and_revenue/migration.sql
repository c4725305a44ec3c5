-- CreateTable
CREATE TABLE "dead_letters" (
    "id" TEXT NOT NULL,
    "group" TEXT NOT NULL,
    "topic" TEXT NOT NULL,
    "partition" INTEGER NOT NULL,
    "offset" BIGINT NOT NULL,
    "key" TEXT,
    "value" BYTEA,
    "headers" JSONB NOT NULL,
    "event_id" TEXT,
    "error_code" TEXT NOT NULL,
    "error" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'open',
    "redrive_requested_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "resolved" JSONB,

    CONSTRAINT "dead_letters_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "subscription_revenue" (
    "subscription_id" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "currency" TEXT NOT NULL,
    "plan_id" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "monthly_amount" BIGINT NOT NULL,

    CONSTRAINT "subscription_revenue_pkey" PRIMARY KEY ("subscription_id","version")
);

-- CreateIndex
CREATE INDEX "dead_letters_created_at_id_idx" ON "dead_letters"("created_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "dead_letters_group_topic_partition_offset_key" ON "dead_letters"("group", "topic", "partition", "offset");

-- CreateIndex
CREATE INDEX "subscription_revenue_currency_at_idx" ON "subscription_revenue"("currency", "at");
