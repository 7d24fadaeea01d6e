FROM alpine:3.22

RUN apk add --no-cache ca-certificates mailcap

RUN set -eux; \
	mkdir -p \
		/config/proxy \
		/data/proxy \
		/etc/proxy \
	; \
	chmod 1777 /config/proxy /data/proxy; \
	wget -O /etc/proxy/Proxyfile "https://example.org/dist/Proxyfile"

ENV PROXY_VERSION=v2.10.0

RUN set -eux; \
	apkArch="$(apk --print-arch)"; \
	case "$apkArch" in \
		x86_64)  binArch='amd64' ;; \
		aarch64) binArch='arm64' ;; \
		*) echo >&2 "error: unsupported architecture ($apkArch)"; exit 1 ;;\
	esac; \
	wget -O /usr/bin/proxy "https://example.org/proxy_${binArch}"

COPY proxy /usr/bin/proxy
RUN setcap cap_net_bind_service=+ep /usr/bin/proxy; chmod +x /usr/bin/proxy; proxy version
RUN echo 'hosts: files dns' > /etc/nsswitch.conf

ENV XDG_CONFIG_HOME=/config XDG_DATA_HOME="/data"

LABEL org.opencontainers.image.version=v2.10.0
LABEL org.opencontainers.image.title=Proxy
LABEL org.opencontainers.image.description="a web server with \"automatic\" certificates"
LABEL org.opencontainers.image.url=https://proxy.example.org
LABEL org.opencontainers.image.licenses=Apache-2.0

EXPOSE 80
EXPOSE 443 443/udp
EXPOSE 2019

WORKDIR /srv

CMD ["proxy", "run", "--config", "/etc/proxy/Proxyfile"]
