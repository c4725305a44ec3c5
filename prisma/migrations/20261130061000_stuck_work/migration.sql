-- CreateTable
CREATE TABLE "stuck_work" (
    "predicate" TEXT NOT NULL,
    "subject_type" TEXT NOT NULL,
    "subject_id" TEXT NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL,
    "asked_at" TIMESTAMPTZ(3),

    CONSTRAINT "stuck_work_pkey" PRIMARY KEY ("predicate","subject_id")
);
