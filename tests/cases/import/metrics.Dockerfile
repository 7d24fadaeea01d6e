ARG ARCH="amd64"
ARG OS="linux"
FROM quay.io/example/busybox-${OS}-${ARCH}:latest
LABEL maintainer="The Metrics Authors <metrics@example.org>"

COPY .build/linux-amd64/metrics        /bin/metrics
COPY .build/linux-amd64/metricsctl     /bin/metricsctl
COPY documentation/metrics.yml         /etc/metrics/metrics.yml
COPY LICENSE NOTICE                    /licenses/
COPY consoles/                         /usr/share/metrics/consoles/
COPY npm_licenses*.tar.bz2             /

WORKDIR /metrics
RUN ln -s /usr/share/metrics/console_libraries /usr/share/metrics/consoles/ /etc/metrics/ && \
    addgroup -g 1000 metrics && \
    adduser -s /bin/sh -S -H -u 1000 -G metrics metrics && \
    mkdir -p /metrics && \
    chown -R metrics:metrics /etc/metrics /metrics

USER       nobody
EXPOSE     9090
VOLUME     [ "/metrics" ]
ENTRYPOINT [ "/bin/metrics" ]
CMD        [ "--config.file=/etc/metrics/metrics.yml", \
             "--storage.path=/metrics" ]
