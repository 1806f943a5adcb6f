# Pilotlight's image: Node, production packages, and the sources as they are (Node runs TypeScript; there is no build).
# A tag can be moved; build releases from a digest: --build-arg NODE_IMAGE=node:24.21.0-bookworm-slim@sha256:...
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No install script runs, and no optional package: the image has its own Node, and BullMQ's native speed-up is not needed.
# The lock file names no place to download from, only what each package must hash to: any registry or mirror will do.
RUN npm ci --omit=dev --omit=optional --ignore-scripts

FROM ${NODE_IMAGE} AS sources
WORKDIR /app
COPY package.json LICENSE ./
COPY bin ./bin
COPY config ./config
COPY jobs ./jobs
COPY src ./src
# Whatever the umask of the checkout was: readable by all, writable by root only.
RUN chmod -R u=rwX,go=rX . && chmod 755 bin/pilotlight.mjs

FROM ${NODE_IMAGE}
# --build-arg COMMIT=$(git rev-parse HEAD): said by `pilotlight version` and the metric build_info.
ARG COMMIT=""
LABEL org.opencontainers.image.title="Pilotlight" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${COMMIT}"
ENV NODE_ENV=production \
    PILOTLIGHT_DATA_DIR=/var/lib/pilotlight \
    PILOTLIGHT_COMMIT=${COMMIT}
WORKDIR /app
# Nothing is installed at run time: package managers would only be something to find holes in.
RUN rm -rf /usr/local/lib/node_modules /opt/yarn-* \
        /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn /usr/local/bin/yarnpkg \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/pilotlight \
    && ln -s /app/bin/pilotlight.mjs /usr/local/bin/pilotlight
COPY --from=packages /app/node_modules ./node_modules
COPY --from=sources /app ./
# The spool must outlive the process: mount a volume here. It is the only place that is written.
VOLUME /var/lib/pilotlight
# Numeric, so that the kubelet can see that it is not root.
USER 10001:10001
# Pages; and, where web.healthPort says so, probes and metrics by themselves.
EXPOSE 8080 8081
# Node is process 1 and gets SIGTERM itself; a shell or npm would not pass it on.
ENTRYPOINT ["node", "--disable-proto=throw", "--max-semi-space-size=8", "src/main.ts"]
CMD ["run"]
