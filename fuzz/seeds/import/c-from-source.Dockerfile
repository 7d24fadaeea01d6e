FROM debian:bookworm AS build
ARG RELEASE=1.22.0
ARG TARGETARCH
RUN apt-get update && apt-get install -y build-essential curl git libexpat1-dev && rm -rf /var/lib/apt/lists/*
RUN git clone --depth 1 --branch release-$RELEASE https://git.example.org/resolver.git /src
RUN git clone https://git.example.org/helper.git /helper && cd /helper && git checkout 4f2d6b1c0a9e8d7c6b5a49382716059483726150
ADD https://example.org/root-${RELEASE}.hints /etc/root.hints
WORKDIR /src
RUN ./configure --prefix=/usr --sysconfdir=/etc --disable-static && make -j"$(nproc)" && make install DESTDIR=/out
RUN curl -fsSL https://example.org/tool-$TARGETARCH.tar.gz | tar -xz -C /out/usr/bin
RUN make -C /helper CC="${CC:-gcc}" \
    && install -D /helper/helper /out/usr/bin/helper

FROM build AS tests
RUN make check

FROM scratch
COPY --from=build /out/ /
COPY --from=build /out/usr/sbin/resolver /usr/sbin/resolver
COPY --from=build /etc/root.hints /etc/resolver/
COPY --from=0 /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
USER 65532:65532
ENTRYPOINT ["/usr/sbin/resolver", "-d"]
