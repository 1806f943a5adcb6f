# syntax=docker/dockerfile:1
# Pilotlight's image: Node, production packages, and the sources as they are (Node runs TypeScript; there is no build).
FROM node:24.21.0-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No install script runs, and no optional package: the image has its own Node, and BullMQ's native speed-up is not needed.
RUN npm ci --omit=dev --omit=optional --ignore-scripts && npm cache clean --force

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production \
    PILOTLIGHT_DATA_DIR=/var/lib/pilotlight
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY bin ./bin
COPY config ./config
COPY jobs ./jobs
COPY src ./src
# The spool must outlive the process: mount a volume here. It is the only place that is written.
RUN install -d -o 10001 -g 10001 -m 0700 /var/lib/pilotlight \
    && ln -s /app/bin/pilotlight.mjs /usr/local/bin/pilotlight
VOLUME /var/lib/pilotlight
# Numeric, so that the kubelet can see that it is not root.
USER 10001:10001
EXPOSE 8080
# Node is process 1 and gets SIGTERM itself; a shell or npm would not pass it on.
ENTRYPOINT ["node", "--disable-proto=throw", "src/main.ts"]
CMD ["run"]
