FROM debian:trixie-slim

# the numbers must not change when packages do
RUN set -eux; \
	groupadd -r -g 999 cache; \
	useradd -r -g cache -u 999 cache

RUN set -eux; \
	apt-get update; \
	apt-get install -y --no-install-recommends \
		tzdata \
# for the entry point
		gosu \
	; \
	rm -rf /var/lib/apt/lists/*

ENV CACHE_VERSION 7.4.1
ENV CACHE_URL http://download.example.org/releases/cache-7.4.1.tar.gz

RUN set -eux; \
	\
	saved="$(apt-mark showmanual)"; \
	apt-get update; \
	apt-get install -y --no-install-recommends gcc make wget; \
	wget -O cache.tar.gz "$CACHE_URL"; \
	tar -xzf cache.tar.gz -C /usr/src; \
	make -C "/usr/src/cache-$CACHE_VERSION" install; \
	if [ -n "$saved" ]; then apt-mark manual $saved; fi

RUN mkdir /data && chown cache:cache /data
VOLUME /data
WORKDIR /data

COPY docker-entrypoint.sh /usr/local/bin/
ENTRYPOINT ["docker-entrypoint.sh"]

EXPOSE 6379
CMD ["cache-server"]
