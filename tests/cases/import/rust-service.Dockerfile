FROM rust:1.85-bookworm AS builder
RUN apt-get update && \
    apt-get install -y --no-install-recommends libssl-dev pkg-config protobuf-compiler && \
    rm -rf /var/lib/apt/lists/*
WORKDIR /usr/src/service
COPY Cargo.toml Cargo.lock ./
COPY src ./src
RUN --mount=type=secret,id=registry-token \
    --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/context/target \
    --mount=type=cache,target=/root/.cache \
    cargo build --release --locked
RUN strip target/release/service

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libssl3=3.0.* tini=0.19.0-1 \
    && apt-get clean \
    && rm -rf /var/lib/apt/lists/* /usr/share/doc /usr/share/man
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/service --shell /usr/sbin/nologin service
COPY --from=builder --chown=service:service /usr/src/service/target/release/service /usr/local/bin/
COPY ./deploy/service.toml /etc/service/service.toml
RUN chown -R service:service /etc/service && chmod 0640 /etc/service/service.toml
USER service
WORKDIR /var/lib/service
VOLUME /var/lib/service
EXPOSE 7000-7003 9000/udp
HEALTHCHECK --interval=30s --timeout=1m30s --start-period=500ms --retries=5 CMD ["service", "ping"]
STOPSIGNAL SIGINT
ENTRYPOINT ["/usr/bin/tini", "--", "/usr/local/bin/service"]
