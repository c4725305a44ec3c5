# syntax=docker/dockerfile:1
# One image for every process; the command says which: `node dist/bin/api.js`, `node dist/bin/worker.js payment`, ...
# docker-compose.yml has them all. Node 24 is the newest that every dependency says it supports.

FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
# .npmrc forbids install scripts, here as on every other machine.
COPY .npmrc package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci
COPY . .
RUN npm run build

FROM node:24.21.0-bookworm-slim
# The slim image has no certificate authorities; TEMPORAL_TLS verifies against the system's.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production NODE_OPTIONS=--enable-source-maps
WORKDIR /app
COPY .npmrc package.json package-lock.json ./
# Without what is optional or a peer too: Prisma's CLI and the compilers come in by that way, and nothing here runs
# them. Temporal's native library comes for every platform; only this one's stays.
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --omit=optional --omit=peer \
  && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 \
    ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -r {} +
COPY --from=build /app/dist ./dist
# For bin/migrate, which looks for them two folders above dist/prisma.
COPY prisma/migrations ./prisma/migrations
# The operators' command line, on the path.
RUN ln -s /app/dist/bin/cli.js /usr/local/bin/perennial
# The files belong to root, so that the process cannot change its own code. As a number, so that Kubernetes can check
# that it is not root.
USER 1000:1000
# API, sandbox provider.
EXPOSE 8080 8090
CMD ["node", "dist/bin/api.js"]
